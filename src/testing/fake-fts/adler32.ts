const MODULUS = 65_521;
/** So many bytes can be summed up before the sums have to be reduced. */
const BLOCK_BYTES = 5552;

/** adler32 of bytes that come in chunks, as eight hex digits. */
export class Adler32 {
  #a = 1;
  #b = 0;

  update(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at += BLOCK_BYTES) {
      for (const byte of chunk.subarray(at, at + BLOCK_BYTES)) {
        this.#a += byte;
        this.#b += this.#a;
      }
      this.#a %= MODULUS;
      this.#b %= MODULUS;
    }
  }

  hex(): string {
    return ((this.#b * 65_536 + this.#a) >>> 0).toString(16).padStart(8, '0');
  }
}
