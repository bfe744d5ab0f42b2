import { memoryStore } from '../../storage/store';
import { type Double, type DoubleOptions, double } from '../workbench.testing';
import { createApp } from './app-store';

/** An app whose engines are doubles, in the order in which they were connected. */
export function openApp({ hash = '', ...options }: DoubleOptions & { hash?: string } = {}) {
  const doubles: Double[] = [];
  const app = createApp({
    connect: () => {
      doubles.push(double({ pace: 0, ...options }));
      return doubles.at(-1)!;
    },
    storage: Promise.resolve(memoryStore('test')),
    hash,
    pairUrl: '/models/',
  });
  return { ...app, state: () => app.store.getState(), doubles };
}
