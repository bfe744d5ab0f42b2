import type { Provider } from '../../../contract/events';

/** What a run spends its time on, and is timed. */
type Timed = 'teacher' | 'step' | 'problem' | 'written' | 'look';

/**
 * Seconds per sample of the teacher pass, per step, per answered problem, per one answered with a written rationale by the student
 * and by the teacher, and per observation.
 */
export type RunSeconds = Readonly<Record<Timed | 'byTeacher', number>>;

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
    const problem = factor('problem') ?? step;
    const written = factor('written') ?? problem;
    return {
      teacher: estimated.teacher * (factor('teacher') ?? step),
      step: estimated.step * step,
      problem: estimated.problem * problem,
      written: estimated.written * written,
      // The teacher's answers are timed once per pair, and by the run only if no other one has.
      byTeacher: estimated.byTeacher * written,
      look: estimated.look * (factor('look') ?? problem),
    };
  }

  /** Measurements hold for only one device. */
  forgetDevice(): void {
    this.measured.clear();
  }
}

/** The times of one run, as expected and as measured. */
export class RunTimes {
  private readonly spent = new Map<Timed, { count: number; milliseconds: number }>();
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

  /** Adds a measurement; of steps the first is a warm-up and not counted. */
  took(what: Timed, count: number, milliseconds: number): void {
    if (what === 'step' && !this.isWarm) {
      this.isWarm = true;
      return;
    }
    const before = this.spent.get(what) ?? { count: 0, milliseconds: 0 };
    this.spent.set(what, { count: before.count + count, milliseconds: before.milliseconds + milliseconds });
  }

  /** Records the measurements for the next run. */
  end(): void {
    const { pace, method, estimated } = this;
    for (const [what, { count, milliseconds }] of this.spent)
      if (count > 0) pace.note(method, what, estimated[what], milliseconds / count / 1000);
  }
}
