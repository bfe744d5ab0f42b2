import type { RunConfig } from '../../contract/config';
import type { DeviceReport, PairReport } from '../../contract/events';
import type { Subject } from '../../contract/lens';
import type { ProblemSource } from '../../contract/problem-source';
import type { ProviderChoice } from '../../storage/rows';
import type { Context } from './context';
import { dataWithoutEngine } from './data';
import { withoutEngine } from './lens';
import { needsPair } from './role-choice';
import { initialTour } from './state';
import { done, failed, failureOf, idle, idleWith, isBusy, isCancelled, sentencesOf } from './task';
import { untilAborted } from './task-driver';
import { initialLatents } from './thoughts';

/** Opens the device and loads the pair. Each resolves to whether it succeeded; errors go into the state. */
export interface EngineActions {
  openDevice(provider?: ProviderChoice): Promise<boolean>;
  cancelDevice(): void;
  loadPair(): Promise<boolean>;
  cancelPair(): void;
  /** Bytes of the engine's WebAssembly memory; 0 if unknown. */
  heapBytes(): number;
  /** Opens the device unless it is open. @returns whether there is one */
  deviceReady(): Promise<boolean>;
  /** Loads the pair unless it is loaded. @returns whether it is there */
  pairReady(): Promise<boolean>;
  /**
   * Prepares what a run with this configuration needs: a device, and the pair if it takes part. @returns
   * whether it is there
   */
  readyFor(config: RunConfig): Promise<boolean>;
  /** Prepares what a subject needs to answer problems from a source. @returns whether it is there */
  problemsReady(asked: { readonly subject: Subject; readonly source: ProblemSource }): Promise<boolean>;
  /** Drops the engine, starts a new one and loads the pair again. */
  restart(): Promise<boolean>;
}

/**
 * After a failed call: a lost device is gone, and the page must say so; the engine keeps the pair and the student for the next
 * one. A device that ran out of memory or refused a command is still usable.
 */
export function noteLoss(ctx: Context, thrown: unknown): void {
  const error = failureOf(thrown);
  if (error.name === 'HeapError') ctx.set({ isHeapFull: true });
  if (error.code !== 'lost') return;
  ctx.set({ device: failed(error), pair: idleWith(ctx.get().pair.value) });
}

export function engineActions(ctx: Context): EngineActions {
  const device = ctx.task<DeviceReport>({
    get: () => ctx.get().device,
    set: (task) => ctx.set({ device: task }),
  });
  const pair = ctx.task<PairReport>({ get: () => ctx.get().pair, set: (task) => ctx.set({ pair: task }) });

  const open = async (provider: ProviderChoice) => {
    const had = ctx.get().device.status === 'done';
    const outcome = await device.start(async ({ signal }) => {
      const opening = ctx.engine().open(provider, { signal });
      opening.then(
        (report) => signal.aborted && void late(report, had),
        () => {},
      );
      try {
        return await untilAborted(opening, signal);
      } catch (thrown) {
        const error = failureOf(thrown);
        if (!had || isCancelled(error) || error.code === 'worker') throw thrown;
        // If the engine cannot open another device, it keeps the one it has.
        ctx.notify('warning', `${sentencesOf(thrown)} What was open stays open.`);
        throw new DOMException('the previous device stays open', 'AbortError');
      }
    });
    if (outcome.status === 'done') replaced();
    return outcome;
  };

  /** Handles a device that had opened before the cancellation reached the engine. */
  const late = async (report: DeviceReport, had: boolean) => {
    // Another attempt has already replaced it, or will.
    const { status } = ctx.get().device;
    if (isBusy({ status })) return;
    if (had) {
      ctx.set({ device: done(report) });
      replaced();
    } else if (status !== 'done')
      await ctx
        .engine()
        .closeDevice()
        .catch(() => {});
  };

  const replaced = () => {
    // Open questions lived on the old device; the engine keeps the pair and the student.
    const { latents, pair: held } = ctx.get();
    const { problems, question, student, steps, session } = latents;
    // A question that waits for this device was never sent to the old one.
    const waiting = session.status === 'starting' && { session };
    ctx.set({
      ...(held.value !== null && !isBusy(held) && { pair: done(held.value) }),
      latents: { ...initialLatents, problems, question, student, steps, ...waiting },
    });
  };

  const openDevice = async (provider = ctx.get().settings.provider) =>
    (await (device.current() ?? open(provider))).status === 'done';

  const deviceReady = async () => ctx.get().device.status === 'done' || openDevice();

  const load = async () => {
    const held = ctx.get().pair.value;
    // The engine keeps the pair across devices.
    if (held !== null) return deviceReady();
    const outcome = await pair.start(
      ({ signal, report }) => ctx.engine().loadPair(ctx.pairUrl, { signal, report }),
      deviceReady,
    );
    if (outcome.status === 'failed') noteLoss(ctx, outcome.thrown);
    return outcome.status === 'done';
  };

  const loadPair = async () => {
    const loading = pair.current();
    return loading === null ? load() : (await loading).status === 'done';
  };

  const actions: EngineActions = {
    heapBytes: ctx.heapBytes,
    openDevice,
    cancelDevice: () => device.cancel(),
    loadPair,
    cancelPair: () => pair.cancel(),
    deviceReady,
    pairReady: async () => ctx.get().pair.status === 'done' || loadPair(),
    // The opened model reads rows without the pair.
    problemsReady: ({ subject, source }) =>
      subject.kind === 'opened' && source.kind === 'rows' ? deviceReady() : actions.pairReady(),
    readyFor: (config) => (needsPair(config) ? actions.pairReady() : deviceReady()),
    async restart() {
      device.abandon();
      pair.abandon();
      ctx.dropEngine();
      const { latents, lens, tour } = ctx.get();
      ctx.set({
        dead: null,
        isHeapFull: false,
        device: idle,
        pair: idle,
        studentConfig: null,
        student: null,
        studentRun: null,
        opening: idle,
        teacher: null,
        cost: idle,
        latents: { ...initialLatents, question: latents.question },
        data: dataWithoutEngine(ctx.get().data),
        lens: withoutEngine(lens),
        tour: isBusy(tour.task) ? initialTour : tour,
      });
      return actions.loadPair();
    },
  };
  return actions;
}
