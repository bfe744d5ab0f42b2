import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { mounting } from '../../mount.testing';
import { engineError } from '../../workbench.testing';
import { DataPanel } from '../data/DataPanel';
import { SampleCard } from '../distil/SampleCard';

const mount = mounting();

it('opens the tokens of a row below it: unknown ones marked, counted and named, segment by segment', async () => {
  const app = mount(<DataPanel />);
  await app.actions.openBundledRows();
  const button = page.getByRole('button', { name: 'Tokens of row-1', exact: true });
  await expect.element(button).toHaveAttribute('aria-expanded', 'false');
  await button.click();
  const section = page.getByRole('region', { name: 'The tokens of row-1' });
  await expect
    .element(section)
    .toMatchTextContent(/As stories reads it in a run by LoRi: 27 tokens of 256 positions/);
  await expect
    .element(section.getByRole('status'))
    .toMatchTextContent(
      /2 of these tokens are the unknown token: the model does not know “zebras”, “zebus”\./,
    );
  const question = section.getByRole('group', { name: 'Question: 9 tokens' });
  await expect
    .element(question.getByRole('listitem').nth(3))
    .toMatchTextContent(/\? <unk>.*zebras.*unknown word/);
  await expect.element(section.getByText(/^5 latents, made from hidden states/)).toBeVisible();
  await expect.element(section.getByRole('group', { name: 'Answer prompt: 3 tokens' })).toBeVisible();
  await expect.element(button).toHaveAttribute('aria-expanded', 'true');
  // Another row takes its place, and says that a run has no use for it.
  await page.getByRole('button', { name: 'Tokens of row-4', exact: true }).click();
  await expect.element(page.getByText(/A run leaves this row out: 400 tokens; at most 256\./)).toBeVisible();
  await expect.element(section).not.toBeInTheDocument();
});

it('goes through the training samples of the run in the form', async () => {
  const app = mount(<SampleCard />);
  await app.actions.loadPair();
  await page.getByText('Show the tokens').click();
  const { samples } = app.store.getState().draft.data;
  await expect.element(page.getByText(`train-0, sample 1 of ${samples}`)).toBeVisible();
  await page.getByRole('button', { name: 'Next' }).click();
  await expect.element(page.getByText(`train-1, sample 2 of ${samples}`)).toBeVisible();
});

it('says why they cannot be shown, and offers what is missing', async () => {
  const failures = {
    runInputs: engineError('input', 'no models are loaded', 'Load the bundled pair first.'),
  };
  mount(<SampleCard />, { failures });
  await page.getByText('Show the tokens').click();
  await expect
    .element(page.getByText(/cannot be shown: no models are loaded\. Load the bundled pair/))
    .toBeVisible();
  await expect.element(page.getByRole('button', { name: 'Load the bundled pair' })).toBeVisible();
});
