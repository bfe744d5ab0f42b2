/** What the conversion's tests share. */

/** All 65536 bit patterns, two per word. */
export function allHalves(): Uint32Array<ArrayBuffer> {
  return new Uint32Array(Uint16Array.from({ length: 65536 }, (_, i) => i).buffer);
}

/** Little-endian words from base64, as the golden file stores them. */
export function unpackWords(text: string): Uint32Array<ArrayBuffer> {
  return new Uint32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
}
