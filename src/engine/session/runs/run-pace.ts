import type { Provider } from '../../../contract/events';

/** What a run spends its time on. */
type Timed = 'teacher' | 'step' | 'problem';

/** Seconds per sample of the teacher pass, per step and per answered problem. */
export type RunSeconds = Readonly<Record<Timed, number>>;

/**
 * Estimates of a run's times, corrected by earlier runs on this device, preferably of the same method: an
 * estimate counts operations on WASM, of which small models get fewer done per second. On WebGPU nothing is
 * known until a run was timed.
 */
export class RunPace {
  private readonly measured = new Map<string, number>();

  /** @param estimated seconds before correction @param seconds as measured */
  note(method: string, what: Timed, estimated: number, seconds: number): void {
    if (!(estimated > 0 && seconds > 0)) return;
    for (const key of [what, `${method} ${what}`]) this.measured.set(key, seconds / estimated);
  }

  /** The corrected times; null if nothing is known. */
  correct(method: string, estimated: RunSeconds, provider: Provider): RunSeconds | null {
    const factor = (what: Timed): number | undefined =>
      this.measured.get(`${method} ${what}`) ?? this.measured.get(what);
    const step = factor('step') ?? (provider === 'wasm' ? 1 : undefined);
    if (step === undefined) return null;
    return {
      teacher: estimated.teacher * (factor('teacher') ?? step),
      step: estimated.step * step,
      problem: estimated.problem * (factor('problem') ?? step),
    };
  }

  /** Measurements hold for only one device. */
  forgetDevice(): void {
    this.measured.clear();
  }
}

/** The times of one run, as expected and as measured. */
export class RunTimes {
  private readonly steps = { count: 0, milliseconds: 0 };
  private readonly problems = { count: 0, milliseconds: 0 };
  private readonly reading = { count: 0, milliseconds: 0 };
  private isWarm = false;

  constructor(
    private readonly pace: RunPace,
    private readonly method: string,
    private readonly provider: Provider,
    private readonly estimated: RunSeconds,
  ) {}

  /** Milliseconds, see `ExpectedEvent`. @param samples number that the teacher reads */
  expected(samples: number) {
    const each = this.pace.correct(this.method, this.estimated, this.provider);
    return (
      each && {
        teacher: 1000 * each.teacher * samples,
        step: 1000 * each.step,
        problem: 1000 * each.problem,
      }
    );
  }

  /** The first step is a warm-up and not counted. */
  step(milliseconds: number): void {
    if (this.isWarm) add(this.steps, 1, milliseconds);
    this.isWarm = true;
  }

  answered(problems: number, milliseconds: number): void {
    add(this.problems, problems, milliseconds);
  }

  read(samples: number, milliseconds: number): void {
    add(this.reading, samples, milliseconds);
  }

  /** Records the measurements for the next run. */
  end(): void {
    const { pace, method, estimated } = this;
    for (const [what, { count, milliseconds }] of [
      ['step', this.steps],
      ['problem', this.problems],
      ['teacher', this.reading],
    ] as const)
      if (count > 0) pace.note(method, what, estimated[what], milliseconds / count / 1000);
  }
}

function add(to: { count: number; milliseconds: number }, count: number, milliseconds: number): void {
  to.count += count;
  to.milliseconds += milliseconds;
}
