/** The alphabet of byte-level BPE: one printable character for each byte. */

/** GPT-2's stand-ins: Latin-1's visible characters stand for themselves, other bytes for U+0100 and up. */
const CHAR_OF_BYTE: readonly string[] = (() => {
  const visible = (b: number): boolean => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(visible(b) ? b : next++));
})();
const BYTE_OF_CHAR: ReadonlyMap<string, number> = new Map(CHAR_OF_BYTE.map((char, byte) => [char, byte]));

const utf8 = new TextEncoder();
// A byte order mark is a character like any other.
const fromUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

export const utf8Bytes = (text: string): Uint8Array => utf8.encode(text);

/** `\ufffd` for what is not UTF-8, like Rust's `from_utf8_lossy`. */
export const lossyText = (bytes: readonly number[]): string => fromUtf8.decode(Uint8Array.from(bytes));

/** `undefined` for what is not UTF-8. */
export function exactText(bytes: readonly number[]): string | undefined {
  try {
    return strict.decode(Uint8Array.from(bytes));
  } catch {
    return undefined;
  }
}

/** Each byte of `text` as a character of the alphabet. */
export function toByteLevel(text: string): string {
  let out = '';
  for (const byte of utf8.encode(text)) out += CHAR_OF_BYTE[byte];
  return out;
}

/** The bytes of a token of byte-level BPE; `undefined` if a character is not in the alphabet. */
export function byteLevelBytes(token: string): number[] | undefined {
  const bytes: number[] = [];
  for (const char of token) {
    const byte = BYTE_OF_CHAR.get(char);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  return bytes;
}

/** The byte of a fallback token, `<0xE2>`. */
export function fallbackByte(token: string): number | undefined {
  const digits = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

export const fallbackToken = (byte: number): string =>
  `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
