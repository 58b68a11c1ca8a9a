const DIGITS_OF_32_BITS = 8;

/** Of 32 bits each: some servers leave out the zeros they begin with. */
const SUMS_OF_32_BITS: ReadonlySet<string> = new Set(['adler32', 'crc32', 'crc32c']);

/** A checksum as the port has it: lower-case hex, eight digits of an adler32. */
export function writeChecksum(algorithm: string, value: string): string {
  const digits = value.toLowerCase();
  return SUMS_OF_32_BITS.has(algorithm) ? digits.padStart(DIGITS_OF_32_BITS, '0') : digits;
}
