import type { DeviceCheckReport } from '../../contract/lens';
import type { Context } from './context';
import { type EngineActions, noteLoss } from './engine-actions';
import { busy, failed, failureOf, isCancelled, ready, settled, type Task } from './task';

/** Checking the device. Resolves to whether the check was made; what it found is in the state. */
export interface CheckActions {
  runCheck(): Promise<boolean>;
  cancelCheck(): void;
}

export function checkActions(ctx: Context, engine: EngineActions): CheckActions {
  let cancel = new AbortController();
  const set = (task: Task<DeviceCheckReport>, of = ctx.get().check.of) => ctx.set({ check: { task, of } });
  const now = () => ctx.get().check.task;

  return {
    async runCheck() {
      if (now().status === 'busy') return false;
      cancel = new AbortController();
      const { signal } = cancel;
      set(busy(now()));
      if ((ctx.get().device.status !== 'ready' && !(await engine.openDevice())) || signal.aborted) {
        set(settled(now()));
        return false;
      }
      const device = ctx.get().device.value;
      try {
        const report = await ctx.engine().checkDevice({
          signal,
          report: (progress) => set(busy(now(), progress)),
        });
        set(ready(report), device);
        return true;
      } catch (thrown) {
        const error = failureOf(thrown);
        set(isCancelled(error) ? settled(now()) : failed(now(), error));
        noteLoss(ctx, thrown);
        return false;
      }
    },
    cancelCheck: () => cancel.abort(),
  };
}
