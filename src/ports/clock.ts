/** Time as the engine may see it; the simulation's clock is virtual (ARCHITECTURE.md, "Decisions"). */
export interface Clock {
  /** Wall time, milliseconds since 1970. May jump. */
  nowMs(): number;
  /** Milliseconds of a clock that never goes back; only differences mean something. */
  monotonicMs(): number;
  /** Resolves after `ms`, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /**
   * Calls `ring` once after `ms`, unless what is returned is called before: for limits that are nearly always taken back, where
   * a sleep and its signal would cost more than what they guard.
   */
  alarm(ms: number, ring: () => void): () => void;
}
