import { expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { mounting } from '../../mount.testing';
import { TokenPreview } from './TokenPreview';

const mount = mounting();

function show(texts: readonly string[]) {
  return mount(<TokenPreview request={{ subject: { kind: 'base' }, texts, reading: 'text' }} />);
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
