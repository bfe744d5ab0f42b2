import type { Waiting } from './request';

/** How far a download is, as reported to the page. */
export interface TransferProgress {
  /** Bytes received over all files, and in total. */
  readonly done: number;
  readonly total: number;
  /** The file in progress. */
  readonly file: string;
  /** Bytes per second over the last seconds; 0 until known. */
  readonly speed: number;
  /** Milliseconds left at that speed; `null` until known. */
  readonly left: number | null;
  /** Why nothing is arriving at the moment, and for how long. */
  readonly waiting: Waiting | null;
  /** Whether bytes from an earlier attempt are being checked. */
  readonly isChecking: boolean;
}

/** Milliseconds over which the speed is measured. */
const WINDOW = 5_000;
/** Milliseconds of data before a speed is reported. */
const ENOUGH = 500;

/** Bytes per second over the last `WINDOW`; bytes from before the download was resumed do not count. */
export class Speedometer {
  private readonly marks: { readonly at: number; readonly bytes: number }[] = [];

  /** Records that `bytes` are there at time `at`, in milliseconds. */
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

  /** Milliseconds that `bytes` more will take; `null` if no speed is known. */
  left(bytes: number): number | null {
    const speed = this.speed();
    return speed > 0 ? (bytes / speed) * 1000 : null;
  }
}
