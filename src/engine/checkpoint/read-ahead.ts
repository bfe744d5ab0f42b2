/** Bytes read at once: a read costs a browser about as much as 2 MiB of it, and a small model's matrices have less. */
const AHEAD = 2 ** 24;
/** Smaller reads are not followed by their neighbours: rows of an embedding are read one by one. */
const SMALL = 2 ** 16;
/** Share of a window's bytes that must have been asked for; below it, the file is not read in its order. */
const SHARE = 1 / 4;

type Read = (from: number, to: number) => Uint8Array<ArrayBuffer>;

interface Window {
  readonly from: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  used: number;
}

/**
 * Reads a file in pieces of 16 MiB, because weights are asked for nearly in the order they are stored in. What it returns may be a
 * view of such a piece.
 * @param size of the file in bytes
 */
export function readAhead(read: Read, size: number, { ahead = AHEAD, small = SMALL } = {}): Read {
  let window: Window | undefined;
  let isOrdered = true;
  return (from, to) => {
    if (window && from >= window.from && to <= window.from + window.bytes.length) {
      window.used += to - from;
      return window.bytes.subarray(from - window.from, to - window.from);
    }
    if (window && to - from > small) {
      isOrdered = window.used >= SHARE * window.bytes.length;
      window = undefined;
    }
    if (!isOrdered || to - from <= small || to - from >= ahead) return read(from, to);
    window = { from, bytes: read(from, Math.min(from + ahead, size)), used: to - from };
    return window.bytes.subarray(0, to - from);
  };
}
