import type { GenerateReporting } from '../../../contract/generate';

/** Milliseconds between two reports of progress. */
const PACE = 100;

/** The times of a generation, without compiling. */
export class GenerationClock {
  private readonly start = performance.now();
  private compiled = 0;
  private programs = 0;
  /** Times so far without compiling: until the first token, and until the last. */
  private first: number | undefined;
  private last = 0;
  /** Number of tokens after the first of each sample. */
  private later = 0;

  private tokens = 0;
  private told = Number.NEGATIVE_INFINITY;

  /** @param limit maximum number of tokens over all samples */
  constructor(
    private readonly limit: number,
    private readonly report: ((event: GenerateReporting) => void) | undefined,
  ) {}

  /** Runs work whose time counts as compiling. */
  async compiling<T>(work: () => Promise<T>): Promise<T> {
    const from = performance.now();
    this.report?.({ phase: 'compile', done: this.programs, total: 0, unit: 'programs', elapsed: 0 });
    try {
      return await work();
    } finally {
      this.compiled += performance.now() - from;
      this.programs++;
    }
  }

  /** Counts a token. @param isFirst whether it is its sample's first @returns tokens per second so far */
  count(isFirst: boolean): number | null {
    const now = this.now();
    this.first ??= now;
    this.last = now;
    if (!isFirst) this.later++;
    this.tokens++;
    this.tell(now);
    return this.rate;
  }

  private tell(now: number): void {
    if (now - this.told < PACE) return;
    this.told = now;
    const elapsed = now - (this.first as number);
    this.report?.({ phase: 'generate', done: this.tokens, total: this.limit, unit: 'tokens', elapsed });
  }

  /** Tokens per second over all samples, after the first of each; `null` before that. */
  get rate(): number | null {
    if (this.first === undefined) return null;
    const seconds = (this.last - this.first) / 1000;
    return seconds > 0 && this.later > 0 ? this.later / seconds : null;
  }

  get seconds(): { readonly compile: number; readonly first: number; readonly rest: number } {
    const first = this.first ?? this.now();
    return {
      compile: this.compiled / 1000,
      first: first / 1000,
      rest: Math.max(0, this.last - first) / 1000,
    };
  }

  private now(): number {
    return performance.now() - this.start - this.compiled;
  }
}
