import { createContext, useContext, useEffect, useRef, useSyncExternalStore } from 'react';
import { useStore } from 'zustand';
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

/** For what is made anew at each look: the one before stays as long as it says the same. Plain data only. */
export function useAppMade<T>(select: (state: AppState) => T): T {
  const last = useRef<{ readonly text: string; readonly value: T } | null>(null);
  return useStore(useContextOfApp().store, (state) => {
    const value = select(state);
    const text = JSON.stringify(value);
    if (last.current?.text !== text) last.current = { text, value };
    return last.current.value;
  });
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

/** Milliseconds between two writes of the address: Safari refuses more than 100 in 30 seconds. */
const WRITE = 400;

/** Keeps the address and the state's link the same, both ways. A new place is a step to go back from. */
export function useAddress(): void {
  const { store, actions } = useContextOfApp();
  useEffect(() => {
    let written = window.location.hash;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const write = (push: boolean) => {
      clearTimeout(timer);
      const hash = formatLink(store.getState().link);
      if (hash === written) return;
      // The place that the page itself opens is no step.
      const isStep = push && written !== '';
      written = hash;
      try {
        window.history[isStep ? 'pushState' : 'replaceState'](null, '', hash);
      } catch {
        // The address lags behind until the next write; nothing else depends on it.
      }
    };
    const read = () => {
      if (window.location.hash === written) return;
      clearTimeout(timer);
      written = window.location.hash;
      actions.followLink(written);
    };
    window.addEventListener('popstate', read);
    const stop = store.subscribe((now, before) => {
      if (now.link === before.link) return;
      if (now.link.panel !== before.link.panel) return write(true);
      clearTimeout(timer);
      timer = setTimeout(() => write(false), WRITE);
    });
    return () => {
      clearTimeout(timer);
      window.removeEventListener('popstate', read);
      stop();
    };
  }, [store, actions]);
}
