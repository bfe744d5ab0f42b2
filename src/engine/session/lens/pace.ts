import { Rng } from '../../base/rng';
import { svdCpu } from '../../kernels/svd/svd.cpu';
import { svdWork, type Work } from './work';

type Where = 'cpu' | 'gpu' | 'reading';

/** Rows and columns of the matrix that the CPU is timed on, about 4 ms, and how many times. */
const TRIAL = [256, 192] as const;
const TRIALS = 10;
/** Rough multiply–adds per second of one core, for work that takes no longer than timing it would. */
export const TYPICAL_PACE = 1e9;
/** Fewest multiply–adds that measure speed: below that, calls and copies dominate. */
const TELLING = 5e7;
/** Assumed speed of a GPU relative to the CPU in progress bars, until it has been timed. */
const GUESS = 8;

/**
 * Multiply–adds per second of decompositions on the CPU and on the GPU, and of reading with a model, as last
 * measured on this device. The CPU is timed on a small matrix when first asked about more work than that
 * takes; the others are unknown until used.
 */
export class LensPace {
  private readonly measured = new Map<Where, number>();

  /** Records a measurement. @param seconds that `work` multiply–adds took */
  note(where: Where, work: number, seconds: number): void {
    if (work >= TELLING && seconds > 0) this.measured.set(where, work / seconds);
  }

  /** Seconds that the work takes; `null` if nothing like it has been timed. */
  seconds(where: Where, work: number): number | null {
    if (work === 0) return 0;
    if (where === 'cpu' && !this.measured.has('cpu')) {
      if (work <= TRIALS * svdWork(...TRIAL)) return work / TYPICAL_PACE;
      this.calibrate();
    }
    const pace = this.measured.get(where);
    return pace === undefined ? null : work / pace;
  }

  /** A weight for progress: seconds, or an estimate. */
  weight({ cpu, gpu }: Work): number {
    const onGpu = this.seconds('gpu', gpu) ?? (this.seconds('cpu', gpu) as number) / GUESS;
    return (this.seconds('cpu', cpu) as number) + onGpu;
  }

  /** What was measured of the GPU and of reading holds for only one device. */
  forgetDevice(): void {
    this.measured.delete('gpu');
    this.measured.delete('reading');
  }

  private calibrate(): void {
    const [rows, cols] = TRIAL;
    const rng = new Rng(1);
    const data = Float32Array.from({ length: rows * cols }, () => rng.normal());
    // The first calls are compiled while they run; other work on the machine disturbs one call more than another.
    const times = Array.from({ length: TRIALS }, () => {
      const start = performance.now();
      svdCpu(data, { batch: 1, rows, cols, r: 0 });
      return performance.now() - start;
    });
    this.measured.set('cpu', (1000 * svdWork(rows, cols)) / Math.max(0.1, Math.min(...times)));
  }
}
