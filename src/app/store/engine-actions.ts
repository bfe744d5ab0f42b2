import type { ProviderChoice } from '../../storage/rows';
import type { Context } from './context';
import { withoutEngine } from './lens';
import { initialLatents, initialTour } from './state';
import { busy, failed, failureOf, idle, isCancelled, ready, settled } from './task';

/** Opening the device, loading the pair. Each resolves to whether it succeeded; errors go into the state. */
export interface EngineActions {
  openDevice(provider?: ProviderChoice): Promise<boolean>;
  loadPair(): Promise<boolean>;
  cancelPair(): void;
  /** Leaves the engine behind, starts a new one and loads the pair again. */
  restart(): Promise<boolean>;
}

/** After a failed call: a lost device is gone, and the page must say so. The engine keeps pair and student for another. */
export function noteLoss(ctx: Context, thrown: unknown): void {
  const error = failureOf(thrown);
  if (error.code !== 'device') return;
  ctx.set({
    device: { status: 'failed', value: null, error },
    pair: { status: 'idle', value: ctx.get().pair.value },
  });
}

export function engineActions(ctx: Context): EngineActions {
  let loading: Promise<boolean> | null = null;
  let opening: Promise<boolean> | null = null;
  let pairCancel = new AbortController();

  const open = async (provider: ProviderChoice) => {
    const before = ctx.get().device;
    ctx.set({ device: busy(before) });
    try {
      const report = await ctx.engine().open(provider);
      // Open questions were on the old one; the engine keeps pair and student.
      const { pair, latents } = ctx.get();
      const { problems, question, student, steps } = latents;
      ctx.set({
        device: ready(report),
        pair: settled(pair),
        latents: { ...initialLatents, problems, question, student, steps },
      });
      return true;
    } catch (thrown) {
      const error = failureOf(thrown);
      if (before.status === 'ready' && error.code !== 'worker') {
        // The engine keeps what it had where it cannot have another.
        ctx.set({ device: before });
        ctx.notify('warning', `${error.message}. ${error.hint ?? ''} What was open stays open.`);
      } else ctx.set({ device: { status: 'failed', value: null, error } });
      return false;
    } finally {
      opening = null;
    }
  };

  const openDevice = (provider = ctx.get().settings.provider) => {
    opening ??= open(provider);
    return opening;
  };

  const load = async () => {
    const held = ctx.get().pair.value !== null;
    if (!held) ctx.run({ type: 'load' });
    if (ctx.get().device.status !== 'ready' && !(await openDevice())) {
      ctx.run({ type: 'load failed' });
      return false;
    }
    if (held) return true;
    pairCancel = new AbortController();
    ctx.set({ pair: busy(idle) });
    try {
      const pair = await ctx.engine().loadPair(ctx.pairUrl, {
        signal: pairCancel.signal,
        report: (progress) => ctx.set({ pair: busy(ctx.get().pair, progress) }),
      });
      ctx.set({ pair: ready(pair) });
      ctx.run({ type: 'loaded' });
      return true;
    } catch (thrown) {
      const error = failureOf(thrown);
      ctx.set({ pair: isCancelled(error) ? idle : failed(idle, error) });
      ctx.run({ type: 'load failed' });
      noteLoss(ctx, thrown);
      return false;
    }
  };

  const loadPair = () => {
    loading ??= load().finally(() => {
      loading = null;
    });
    return loading;
  };

  const actions: EngineActions = {
    openDevice,
    loadPair,
    cancelPair: () => pairCancel.abort(),
    async restart() {
      ctx.dropEngine();
      const { latents, lens, tour } = ctx.get();
      ctx.set({
        dead: null,
        device: idle,
        pair: idle,
        studentConfig: null,
        latents: { ...initialLatents, question: latents.question },
        lens: withoutEngine(lens),
        tour: tour.status === 'running' ? initialTour : tour,
      });
      return actions.loadPair();
    },
  };
  return actions;
}
