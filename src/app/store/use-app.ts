import { createContext, useContext, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { useStore } from 'zustand';
import { addressWriter } from './address';
import type { Actions, App } from './app-store';
import { addressChanges, hashOf } from './run-place';
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

/** For values that are rebuilt on every read: returns the previous one while it is equal. Plain data only. */
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

/** The effective theme. */
export function useTheme(): 'light' | 'dark' {
  const chosen = useApp(({ link, settings }) => link.theme ?? settings.theme);
  const systemIsDark = useSyncExternalStore(
    watchDark,
    () => dark().matches,
    // Rendered without a window, as tests do.
    () => false,
  );
  return chosen === 'system' ? (systemIsDark ? 'dark' : 'light') : chosen;
}

/**
 * Keeps the address and the state's link in sync, both ways. A new place adds a history entry.
 * @param opened the hash that the state was made from, if it was this address's: another may have been followed since
 */
export function useAddress(opened?: string): void {
  const { store, actions } = useContextOfApp();
  const [first] = useState(() => opened ?? window.location.hash);
  useEffect(() => {
    const address = addressWriter(window.history);
    let written = first;
    // A link is followed in several changes of the state. The states in between must not reach the address,
    // which a reload would open.
    let isFollowing = false;
    const write = (hash: string, push: boolean) => {
      if (hash === written) return;
      // The initial place, which the page itself opens, adds no entry.
      address.write(hash, push && written !== '');
      written = hash;
    };
    const read = () => {
      address.drop();
      if (window.location.hash === written) return;
      written = window.location.hash;
      isFollowing = true;
      actions.followLink(written);
      isFollowing = false;
      write(hashOf(store.getState()), false);
    };
    window.addEventListener('popstate', read);
    // A link may have been followed while the page was rendering.
    read();
    const stop = store.subscribe((now, before) => {
      if (!isFollowing && addressChanges(now, before))
        write(hashOf(now), now.link.panel !== before.link.panel);
    });
    return () => {
      window.removeEventListener('popstate', read);
      stop();
      address.end();
    };
  }, [store, actions, first]);
}
