import { createContext, useContext, useEffect, useSyncExternalStore } from 'react';
import { useStore } from 'zustand';
import { addressWriter } from './address';
import type { Actions, App } from './app-store';
import { formatLink } from './link';
import type { AppState } from './state';

const AppContext = createContext<App | null>(null);
export const AppProvider = AppContext.Provider;

function useContextOfApp(): App {
  const app = useContext(AppContext);
  if (!app) throw new Error('a component outside AppProvider asked for the app');
  return app;
}

export function useApp<T>(select: (state: AppState) => T): T {
  return useStore(useContextOfApp().store, select);
}

export const useActions = (): Actions => useContextOfApp().actions;

const dark = () => window.matchMedia('(prefers-color-scheme: dark)');
const watchDark = (changed: () => void) => {
  const query = dark();
  query.addEventListener('change', changed);
  return () => query.removeEventListener('change', changed);
};

/** The theme in force. */
export function useTheme(): 'light' | 'dark' {
  const chosen = useApp(({ link, settings }) => link.theme ?? settings.theme);
  const systemIsDark = useSyncExternalStore(watchDark, () => dark().matches);
  return chosen === 'system' ? (systemIsDark ? 'dark' : 'light') : chosen;
}

/** Keeps the address and the state's link the same, both ways. A new place is a step to go back from. */
export function useAddress(): void {
  const { store, actions } = useContextOfApp();
  useEffect(() => {
    const address = addressWriter(window.history);
    let written = window.location.hash;
    const write = (hash: string, push: boolean) => {
      if (hash === written || (hash === '#/model' && written === '')) return;
      written = hash;
      address.write(hash, push);
    };
    const read = () => {
      address.drop();
      if (window.location.hash === written) return;
      written = window.location.hash;
      actions.followLink(written);
    };
    window.addEventListener('popstate', read);
    const stop = store.subscribe((now, before) => {
      if (now.link !== before.link) write(formatLink(now.link), now.link.panel !== before.link.panel);
    });
    return () => {
      window.removeEventListener('popstate', read);
      stop();
      address.end();
    };
  }, [store, actions]);
}
