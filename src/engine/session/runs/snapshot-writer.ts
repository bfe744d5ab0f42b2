import type { RunOptions } from '../../../contract/calls';
import type { RunEvent } from '../../../contract/events';
import { appendEvents } from '../../../contract/series';
import { emptySeries, type RunSeries } from '../../../contract/series-schema';
import type { SnapshotStatus } from '../../../contract/snapshot-status';
import { median } from '../../../contract/statistics';

/** Maximum share of the time for keeping, if the run chooses the interval. */
const SHARE = 0.02;
/** Maximum number of steps between two snapshots, if the run chooses. */
const MAX_INTERVAL = 250;
/** Milliseconds within which a snapshot must be written. */
const WRITE_TIMEOUT = 60_000;
/** Number of recent steps whose median time is used. */
const RECENT = 16;

/** Events that make up a run's series. */
const IN_SERIES: ReadonlySet<RunEvent['kind']> = new Set(['step', 'evaluation', 'spectrum', 'groups']);

export interface SnapshotWriterOptions {
  /** Steps between two snapshots; 0: chosen by their cost. */
  readonly every: number;
  readonly steps: number;
  readonly keep: NonNullable<RunOptions['keep']>;
  /** The file of the run after `step` steps; `null` if it cannot be kept because a value is not finite. */
  readonly pack: (
    step: number,
    status: SnapshotStatus,
    series: RunSeries,
  ) => Promise<Uint8Array<ArrayBuffer> | null>;
  readonly emit: (event: RunEvent) => void;
  /** For a resumed run: the series so far, and the step it is resumed from, which is already stored. */
  readonly series?: RunSeries | undefined;
  readonly from?: number | undefined;
  /** Replaces `WRITE_TIMEOUT`. */
  readonly limit?: number;
}

/**
 * Decides when a snapshot of a run is taken, and waits until it is written: at no time is the run more than
 * one interval of steps past the last written snapshot. The first is taken before the first step, so that its
 * cost, and whether there is room, is known before anything can be lost. A snapshot that cannot be written is
 * reported, and does not end the run.
 */
export class SnapshotWriter {
  private readonly events: RunEvent[] = [];
  private readonly times: number[] = [];
  private series: RunSeries;
  private last: number | undefined;
  /** Steps from the last snapshot to the next, as reported. */
  private interval: number;

  constructor(private readonly options: SnapshotWriterOptions) {
    this.series = options.series ?? emptySeries;
    this.last = options.from;
    this.interval = options.every || 1;
  }

  /** Adds an event to the series. */
  note(event: RunEvent): void {
    if (event.kind === 'step') {
      this.times.push(event.milliseconds);
      if (this.times.length > RECENT) this.times.shift();
    }
    if (IN_SERIES.has(event.kind)) this.events.push(event);
  }

  /** Takes a snapshot after `step` steps if it is due. */
  async at(step: number): Promise<void> {
    if (this.last === undefined || step - this.last >= this.interval) await this.now(step, 'training');
  }

  /** Takes a snapshot after `step` steps, unless there is one already. */
  async now(step: number, status: SnapshotStatus): Promise<void> {
    if (step === this.last && status === 'training') return;
    const { options } = this;
    const start = performance.now();
    const file = await options.pack(step, status, this.gathered());
    if (file === null) return;
    const bytes = file.byteLength;
    const failure = await this.write({ step, steps: options.steps, status, file });
    const milliseconds = performance.now() - start;
    this.interval = this.intervalFor(milliseconds);
    // If it could not be written, the next one is due a full interval later, not at once.
    this.last = step;
    options.emit({ kind: 'kept', step, every: this.interval, bytes, milliseconds, failure });
  }

  /** @param cost milliseconds of a snapshot */
  private intervalFor(cost: number): number {
    if (this.options.every > 0) return this.options.every;
    const step = median(this.times);
    if (!(step > 0)) return 1;
    return Math.min(MAX_INTERVAL, Math.max(1, Math.ceil(cost / (SHARE * step))));
  }

  /** @returns why it was not written, or `null` */
  private async write(snapshot: Parameters<SnapshotWriterOptions['keep']>[0]): Promise<string | null> {
    const { keep, limit = WRITE_TIMEOUT } = this.options;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new Error(`it was not written within ${Math.round(limit / 1000)} s`)),
        limit,
      );
    });
    try {
      await Promise.race([keep(snapshot), late]);
      return null;
    } catch (error) {
      const { message, hint = '' } = error as Error & { readonly hint?: string };
      return [message, hint].filter((text) => text !== '').join('. ');
    } finally {
      clearTimeout(timer);
    }
  }

  private gathered(): RunSeries {
    this.series = appendEvents(this.series, this.events.splice(0));
    return this.series;
  }
}
