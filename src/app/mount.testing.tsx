import './ui/base.css';
import './ui/kit.css';
import type { ReactNode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach } from 'vitest';
import { memoryStore } from '../storage/store';
import { type App, createApp } from './store/app-store';
import { AppProvider } from './store/use-app';
import { type DoubleOptions, double } from './workbench.testing';

/** @returns a function that shows a part of the page with the double as its engine; it is gone after each test */
export function mounting(): (part: ReactNode, options?: DoubleOptions, hash?: string) => App {
  let root: Root | undefined;
  afterEach(() => {
    root?.unmount();
    document.body.replaceChildren();
  });
  return (part, options = {}, hash = '') => {
    const app = createApp({
      connect: () => double({ pace: 0, ...options }),
      storage: Promise.resolve({ ...memoryStore(''), unavailable: null }),
      hash,
      pairUrl: '/models/',
      ...(options.methods && { methods: options.methods }),
    });
    const place = document.createElement('div');
    document.body.append(place);
    root = createRoot(place);
    root.render(<AppProvider value={app}>{part}</AppProvider>);
    return app;
  };
}
