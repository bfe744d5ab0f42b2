import type { LensPace } from './pace';
import type { Work } from './work';

/** Minimum time, in ms, between two reports of the same number of matrices. */
const EVERY = 500;

/** Counts matrices over all parts of a request, weights parts by how long they take, and learns from it. */
export class Meter {
  private done = 0;
  private weight = 0;
  private told = -1;
  private toldAt = 0;
  private readonly whole: number;
  /** Multiply–adds and seconds of the parts that ran in only one place. */
  private readonly spent = { cpu: { work: 0, seconds: 0 }, gpu: { work: 0, seconds: 0 } };

  /**
   * @param total the work of all parts
   * @param tell gets the matrices done, their total number, and the share of the time that has passed, if
   * known
   */
  constructor(
    private readonly total: Work,
    private readonly pace: LensPace,
    private readonly tell: (done: number, total: number, share: number) => void,
  ) {
    this.whole = pace.weight(total);
  }

  /** Runs a part of the work, which reports the share of it that is done. */
  async part<T>(work: Work, run: (onProgress: (share: number) => void) => Promise<T>): Promise<T> {
    const [before, weight] = [this.done, this.weight];
    const own = this.pace.weight(work);
    this.done += work.matrices;
    this.weight += own;
    const start = performance.now();
    const result = await run((share) => {
      const now = Math.floor(before + share * work.matrices + 1e-9);
      const at = performance.now();
      if (now < this.told || (now === this.told && at - this.toldAt < EVERY)) return;
      this.told = now;
      this.toldAt = at;
      this.tell(now, this.total.matrices, this.whole > 0 ? (weight + share * own) / this.whole : 0);
    });
    const seconds = (performance.now() - start) / 1000;
    if (work.cpu === 0 || work.gpu === 0) {
      const spent = this.spent[work.gpu === 0 ? 'cpu' : 'gpu'];
      spent.work += work.cpu + work.gpu;
      spent.seconds += seconds;
    }
    return result;
  }

  /** Stores the pace of what was done for the next estimate. */
  learn(): void {
    for (const where of ['cpu', 'gpu'] as const)
      this.pace.note(where, this.spent[where].work, this.spent[where].seconds);
  }
}
