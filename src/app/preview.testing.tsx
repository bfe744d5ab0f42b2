/**
 * The page with the double instead of an engine, for looking at it while developing: load it in place of main.tsx.
 * Never part of a build.
 */
import './ui/base.css';
import './ui/kit.css';
import { createRoot } from 'react-dom/client';
import { memoryStore } from '../storage/store';
import { Page } from './Page';
import { createApp } from './store/app-store';
import { AppProvider } from './store/use-app';
import { double, engineError } from './workbench.testing';

const query = new URLSearchParams(window.location.search);
const failing = query.get('fail');
const app = createApp({
  connect: () =>
    double({
      pace: Number(query.get('pace') ?? 20),
      ...(failing && {
        failures: {
          [failing]: engineError('device', `${failing} was asked to fail`, 'Do something about it.'),
        },
      }),
      ...(query.has('nan') && { nanAt: Number(query.get('nan')) }),
    }),
  storage: Promise.resolve(memoryStore('asked for by the preview')),
  hash: window.location.hash,
  pairUrl: '/models/',
});
createRoot(document.getElementById('root')!).render(
  <AppProvider value={app}>
    <Page />
  </AppProvider>,
);
void app.actions.start(!query.has('idle'));
