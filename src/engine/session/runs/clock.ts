import type { Progress, RunEvent, RunResult } from '../../../contract/events';

/** Progress of one phase after another, with the time since the phase began, and the seconds spent in each. */
export class PhaseClock {
  private phase: Progress['phase'] = 'teacher';
  private start = performance.now();
  private readonly spent = new Map<Progress['phase'], number>();

  /** @param before for a resumed run, seconds that its earlier parts took */
  constructor(
    private readonly emit: (event: RunEvent) => void,
    before?: RunResult['seconds'],
  ) {
    for (const [phase, seconds] of Object.entries(before ?? {}))
      this.spent.set(phase as keyof RunResult['seconds'], 1000 * seconds);
  }

  begin(next: Progress['phase']): void {
    const now = performance.now();
    this.spent.set(this.phase, (this.spent.get(this.phase) ?? 0) + now - this.start);
    this.phase = next;
    this.start = now;
  }

  /** @param share of the phase's time that has passed, if it differs from `done` of `total` */
  tell(done: number, total: number, unit: Progress['unit'], share?: number): void {
    const elapsed = performance.now() - this.start;
    // Anything shorter says little about the time left.
    const known = share !== undefined && share > 0 && elapsed >= 500;
    const left = known && { left: (elapsed * (1 - Math.min(1, share))) / share };
    this.emit({ kind: 'progress', progress: { phase: this.phase, done, total, unit, elapsed, ...left } });
  }

  /** Reports progress of something outside the phase. */
  forward(progress: Progress): void {
    this.emit({ kind: 'progress', progress });
  }

  /** Runs work outside the phase, whose time is not counted. */
  async aside<T>(work: () => Promise<T>): Promise<T> {
    const from = performance.now();
    try {
      return await work();
    } finally {
      this.start += performance.now() - from;
    }
  }

  /** Seconds spent in these phases so far. */
  seconds(...phases: readonly Progress['phase'][]): number {
    this.begin(this.phase);
    return phases.reduce((sum, phase) => sum + (this.spent.get(phase) ?? 0), 0) / 1000;
  }

  /** Seconds so far, as a run's result names them. */
  soFar(): RunResult['seconds'] {
    return {
      teacher: this.seconds('teacher', 'factors'),
      compile: this.seconds('compile'),
      train: this.seconds('train'),
      evaluate: this.seconds('evaluate'),
    };
  }
}
