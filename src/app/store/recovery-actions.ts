import type { Context } from './context';
import type { EngineActions } from './engine-actions';
import { type Loss, type Recovery, type RunWhenLost, recoveryOf, recoverySentence } from './recovery';

/** Milliseconds until a run resumes by itself: time to prevent it, and for the browser to restart its GPU process. */
const RESUME_AFTER = 3_000;

export interface RecoveryActions {
  /** Prevents a run whose GPU was lost from resuming by itself; it can still be resumed. */
  cancelRecovery(): void;
  /** Resumes it without waiting any longer. */
  recoverNow(): void;
}

export interface RunRecovery extends RecoveryActions {
  /**
   * After a loss of the GPU: waits, and opens a new device. @param run as it was when the GPU was lost
   * @returns whether the run is to be resumed now
   */
  isToResume(loss: Loss, run: RunWhenLost): Promise<boolean>;
}

/** @param after see `RESUME_AFTER` */
export function runRecovery(ctx: Context, engine: EngineActions, after = RESUME_AFTER): RunRecovery {
  let before: Loss | null = null;
  let wake = () => {};

  const refuse = (recovery: Recovery, refused: string): false => {
    const next = { ...recovery, refused };
    ctx.set({ recovery: next });
    ctx.notify('warning', recoverySentence(next));
    return false;
  };

  return {
    cancelRecovery() {
      const { recovery } = ctx.get();
      if (recovery?.refused === null) ctx.set({ recovery: { ...recovery, refused: 'you prevented it' } });
      wake();
    },
    recoverNow: () => wake(),
    async isToResume(loss, run) {
      const recovery = recoveryOf(loss, before, run, ctx.get().kept.get(loss.run));
      before = loss;
      ctx.set({ recovery });
      if (recovery === null) return false;
      if (recovery.refused !== null) return refuse(recovery, recovery.refused);
      // Another run that was started or shown meanwhile takes its place.
      const isDue = () => ctx.get().recovery === recovery && ctx.get().run.id === loss.run;
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, after);
      });
      if (!isDue()) return false;
      const isOpen = await engine.deviceReady();
      if (!isDue()) return false;
      if (!isOpen) return refuse(recovery, 'no new device could be opened');
      if (ctx.get().device.value?.provider !== 'webgpu')
        return refuse(recovery, 'the browser offers no GPU now, only WASM');
      ctx.notify('info', recoverySentence(recovery));
      return true;
    },
  };
}
