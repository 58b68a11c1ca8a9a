/**
 * Questions that stores have not answered, though nobody waits for them any more, by the place of the protocol they were asked by. Where one
 * is open no other is asked: each would hold a thread of this process for as long as its file system hangs, until none is left for those
 * that answer.
 */
export class OpenQuestions {
  readonly #places = new Set<string>();

  has(place: string): boolean {
    return this.#places.has(place);
  }

  ask<Answer>(place: string, question: () => Promise<Answer>): Promise<Answer> {
    this.#places.add(place);
    return question().finally(() => this.#places.delete(place));
  }
}
