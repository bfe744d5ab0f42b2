import type { DeviceCheckReport } from '../../contract/lens';
import type { Context } from './context';
import { type EngineActions, noteLoss } from './engine-actions';

/** Checks the device. Resolves to whether the check ran; its findings go into the state. */
export interface CheckActions {
  runCheck(): Promise<boolean>;
  cancelCheck(): void;
}

export function checkActions(ctx: Context, engine: EngineActions): CheckActions {
  const check = ctx.task<DeviceCheckReport>({
    get: () => ctx.get().check.task,
    set: (task) => ctx.set({ check: { ...ctx.get().check, task } }),
  });
  return {
    async runCheck() {
      const outcome = await check.start(async ({ signal, report }) => {
        const device = ctx.get().device.value;
        const found = await ctx.engine().checkDevice({ signal, report });
        ctx.set({ check: { ...ctx.get().check, of: device } });
        return found;
      }, engine.deviceReady);
      if (outcome.status === 'failed') noteLoss(ctx, outcome.thrown);
      return outcome.status === 'done';
    },
    cancelCheck: () => check.cancel(),
  };
}
