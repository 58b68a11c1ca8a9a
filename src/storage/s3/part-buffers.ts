/**
 * Memory of parts that were sent, to be filled again by any upload of the bucket: memory touched for the first time costs more than
 * to hash what is put there. Holds no more than was in use at once.
 */
export class PartBuffers {
  #free: Buffer[] = [];
  #bytes = 0;

  take(bytes: number): Buffer {
    if (bytes !== this.#bytes) {
      this.#free = [];
      this.#bytes = bytes;
    }
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(bytes);
  }

  give(buffer: Buffer): void {
    if (buffer.length === this.#bytes) this.#free.push(buffer);
  }
}
