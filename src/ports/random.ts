/** Randomness as the engine may see it; the simulation's comes from one seed. */
export interface Random {
  bytes(count: number): Uint8Array;
  /** Uniform in [0, 1). */
  fraction(): number;
}
