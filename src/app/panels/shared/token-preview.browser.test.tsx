import '../../ui/base.css';
import '../../ui/kit.css';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { memoryStore } from '../../../storage/store';
import { createApp } from '../../store/app-store';
import { AppProvider } from '../../store/use-app';
import { double } from '../../workbench.testing';
import { TokenPreview } from './TokenPreview';

let root: Root | undefined;
afterEach(() => {
  root?.unmount();
  document.body.replaceChildren();
});

function show(texts: readonly string[]) {
  const app = createApp({
    connect: () => double({ pace: 0 }),
    storage: Promise.resolve({ ...memoryStore(''), unavailable: null }),
    hash: '',
    pairUrl: '/models/',
  });
  const place = document.createElement('div');
  document.body.append(place);
  root = createRoot(place);
  root.render(
    <AppProvider value={app}>
      <TokenPreview request={{ subject: { kind: 'base' }, texts, reading: 'text' }} />
    </AppProvider>,
  );
  return app;
}

it('shows nothing before the model is there, then every token, and names unknown words', async () => {
  const app = show(['Tom has zebras and zebras']);
  await new Promise((resolve) => setTimeout(resolve, 400));
  await expect.element(page.getByText(/tokens/)).not.toBeInTheDocument();
  await app.actions.loadPair();
  await expect.element(page.getByRole('status')).toMatchTextContent(/does not know “zebras”: it is read as/);
  const summary = page.getByText('5 tokens of 256 positions');
  // By the keyboard alone.
  await userEvent.tab();
  await userEvent.keyboard('{Enter}');
  await userEvent.tab();
  const list = page.getByRole('group', { name: '5 tokens' });
  await expect.element(list).toHaveFocus();
  await expect.element(summary).toBeVisible();
  const items = list.getByRole('listitem');
  await expect.element(items.nth(0)).toMatchTextContent(/^Tom\s*id 0$/);
  await expect.element(items.nth(1)).toMatchTextContent(/^·has\s*id 1$/);
  await expect.element(items.nth(2)).toMatchTextContent(/<unk>.*zebras.*unknown word/);
  await expect.element(page.getByText(/\? word that the model does not know/)).toBeVisible();
});

it('says why a text cannot be run, beside those that can', async () => {
  const app = show(['', 'Tom']);
  await app.actions.loadPair();
  await expect.element(page.getByText('Text 1: the text has no tokens. Type another one.')).toBeVisible();
  await expect.element(page.getByText('Text 2: 1 token of 256 positions')).toBeVisible();
});
