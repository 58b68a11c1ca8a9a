/** Who looks for what is due hears when there may be something (docs/catalog.md, "What wakes a worker"). */
export interface DueBell {
  /**
   * Calls `hear` after each commit, of any process, after which something may be due that was not. Commits in quick succession may
   * be told as one, and one may be told for nothing. What is due because its time has come is not told, nor is anything while other
   * processes cannot be heard: who listens looks from time to time all the same. What is committed from this call on is told also where
   * it takes a while until others are heard. Returns how to stop.
   */
  onDue(hear: () => void): () => void;
}
