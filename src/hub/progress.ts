import type { Waiting } from './request';

/** How far a download is, as it is told to the page. */
export interface TransferProgress {
  /** Bytes that are there, of all files, and of how many. */
  readonly done: number;
  readonly total: number;
  /** The file in progress. */
  readonly file: string;
  /** Bytes a second over the last seconds; 0 until it can be said. */
  readonly speed: number;
  /** Milliseconds left at that speed; `null` until it can be said. */
  readonly left: number | null;
  /** Why nothing is coming just now, and for how long. */
  readonly waiting: Waiting | null;
  /** What is there already is being checked. */
  readonly isChecking: boolean;
}

/** Milliseconds over which the speed is taken. */
const WINDOW = 5_000;
/** Milliseconds of bytes before a speed is said. */
const ENOUGH = 500;

/** Bytes a second over the last `WINDOW`: what was there before the download was resumed has no part in it. */
export class Speedometer {
  private readonly marks: { readonly at: number; readonly bytes: number }[] = [];

  /** `bytes` are there at time `at`, in milliseconds. */
  note(bytes: number, at: number): void {
    // A file that starts over has fewer bytes: its earlier speed says nothing about what follows.
    if ((this.marks.at(-1)?.bytes ?? 0) > bytes) this.marks.length = 0;
    this.marks.push({ at, bytes });
    while (this.marks.length > 2 && at - this.marks[0]!.at > WINDOW) this.marks.shift();
  }

  speed(): number {
    const [first, last] = [this.marks[0], this.marks.at(-1)];
    if (!first || !last || last.at - first.at < ENOUGH) return 0;
    return ((last.bytes - first.bytes) / (last.at - first.at)) * 1000;
  }

  /** Milliseconds for as many bytes more; `null` if no speed is known. */
  left(bytes: number): number | null {
    const speed = this.speed();
    return speed > 0 ? (bytes / speed) * 1000 : null;
  }
}
