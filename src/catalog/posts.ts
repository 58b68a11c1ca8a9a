/** Who takes messages of another thread. */
interface Receiver {
  postMessage(message: unknown): void;
}

/**
 * Messages to another thread, those of one turn as one: to wake a thread costs more than what most of them are about. They arrive in order, as
 * arrays.
 */
export class Posts<Message> {
  readonly #receiver: Receiver;
  readonly #onRefused: (message: Message, error: unknown) => void;
  #waiting: Message[] = [];

  /** `onRefused` is told of a message that cannot cross; the others do. */
  constructor(receiver: Receiver, onRefused: (message: Message, error: unknown) => void) {
    this.#receiver = receiver;
    this.#onRefused = onRefused;
  }

  post(message: Message): void {
    this.#waiting.push(message);
    if (this.#waiting.length === 1) setImmediate(() => this.flush());
  }

  /** Those that wait go at once. */
  flush(): void {
    if (this.#waiting.length === 0) return;
    const messages = this.#waiting;
    this.#waiting = [];
    try {
      this.#receiver.postMessage(messages);
    } catch {
      for (const message of messages) this.#postAlone(message);
    }
  }

  #postAlone(message: Message): void {
    try {
      this.#receiver.postMessage([message]);
    } catch (error) {
      this.#onRefused(message, error);
    }
  }
}
