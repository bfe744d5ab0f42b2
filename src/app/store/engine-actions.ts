import type { ProviderChoice } from '../../storage/rows';
import type { Context } from './context';
import { initialLatents, initialTour } from './state';
import { busy, failed, failureOf, idle, isCancelled, ready, settled } from './task';

/** Opening the device, loading the pair, the spectra. Each resolves to whether it succeeded; errors go into the state. */
export interface EngineActions {
  openDevice(provider?: ProviderChoice): Promise<boolean>;
  loadPair(): Promise<boolean>;
  cancelPair(): void;
  runSpectra(samples: number, seed?: number): Promise<boolean>;
  cancelSpectra(): void;
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
  let spectraCancel = new AbortController();

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
    async runSpectra(samples, seed = 1) {
      if (ctx.get().spectra.status === 'busy') return false;
      spectraCancel = new AbortController();
      const { signal } = spectraCancel;
      ctx.set({ spectra: busy(ctx.get().spectra) });
      const loaded = ctx.get().pair.status === 'ready' || (await actions.loadPair());
      if (!loaded || signal.aborted) {
        ctx.set({ spectra: settled(ctx.get().spectra) });
        return false;
      }
      try {
        const report = await ctx.engine().spectra(
          { samples, seed },
          {
            signal,
            report: (progress) => ctx.set({ spectra: busy(ctx.get().spectra, progress) }),
          },
        );
        ctx.set({ spectra: ready(report) });
        return true;
      } catch (thrown) {
        const error = failureOf(thrown);
        ctx.set({
          spectra: isCancelled(error) ? settled(ctx.get().spectra) : failed(ctx.get().spectra, error),
        });
        noteLoss(ctx, thrown);
        return false;
      }
    },
    cancelSpectra: () => spectraCancel.abort(),
    async restart() {
      ctx.dropEngine();
      const { latents, tour } = ctx.get();
      ctx.set({
        dead: null,
        device: idle,
        pair: idle,
        studentConfig: null,
        latents: { ...initialLatents, question: latents.question },
        tour: tour.status === 'running' ? initialTour : tour,
      });
      return actions.loadPair();
    },
  };
  return actions;
}
