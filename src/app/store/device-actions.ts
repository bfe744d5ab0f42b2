import type { ProviderChoice, Settings } from '../../storage/rows';
import type { Context } from './context';
import type { DeviceLink } from './device-link';
import type { EngineActions } from './engine-actions';
import { remember, stepped } from './history';

export interface DeviceActions {
  /** Switches to another provider and loads the pair on it; if it is unavailable, the choice is reverted. */
  switchProvider(provider: ProviderChoice): Promise<boolean>;
  /** Switch back to the provider before, and forward again: the device is opened anew, as by any switch. */
  undoProvider(): Promise<boolean>;
  redoProvider(): Promise<boolean>;
  /** Leaves it as it is, whatever a link asks for. */
  declineDevice(what: keyof DeviceLink): void;
}

export function deviceActions(
  ctx: Context,
  engine: Pick<EngineActions, 'openDevice' | 'loadPair'>,
  changeSettings: (change: Partial<Settings>) => void,
): DeviceActions {
  /** @returns whether there is a device of it */
  const choose = async (provider: ProviderChoice): Promise<boolean> => {
    const before = ctx.get().settings.provider;
    changeSettings({ provider });
    actions.declineDevice('provider');
    if (await engine.openDevice(provider)) return true;
    if (ctx.get().device.status === 'done') changeSettings({ provider: before });
    return false;
  };
  const step = async (way: 'undo' | 'redo'): Promise<boolean> => {
    const { providers, settings } = ctx.get();
    const found = stepped(way, providers, settings.provider);
    if (found === null || !(await choose(found.settings))) return false;
    ctx.set({ providers: found.history });
    return engine.loadPair();
  };
  const actions: DeviceActions = {
    async switchProvider(provider) {
      const { providers, settings } = ctx.get();
      if (!(await choose(provider))) return false;
      if (provider !== settings.provider)
        ctx.set({ providers: remember(providers, settings.provider, null) });
      return engine.loadPair();
    },
    undoProvider: () => step('undo'),
    redoProvider: () => step('redo'),
    declineDevice: (what) => ctx.set({ wanted: { ...ctx.get().wanted, [what]: null } }),
  };
  return actions;
}
