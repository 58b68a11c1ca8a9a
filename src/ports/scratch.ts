/**
 * Room for what does not fit into memory while one task lasts: runs of lines, each written once and then read from its
 * beginning. Nothing of it outlives the task, also when its process is killed. Closing it frees all of it.
 *
 * Lines may hold any text but a line feed. Fails with the system's own error (disk full, no such directory).
 */
export interface Scratch extends AsyncDisposable {
  openRun(): Promise<ScratchRun>;
}

export interface ScratchRun {
  /** In order; what is written is not durable. */
  write(lines: readonly string[]): Promise<void>;
  /** All that was written, in blocks of a bounded size; once, and only after the last write. */
  read(): AsyncIterable<readonly string[]>;
}
