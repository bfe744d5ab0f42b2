import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { hasFile } from '../scripts/tools/files';
import { sharedFolder } from '../scripts/tools/folders.mjs';
import { expect, expectAccessible, test } from './support/app';

const bundled = 'models/data/gsm8k-train-128.jsonl';

interface Row {
  readonly question: string;
  readonly answer: string;
}

const linesOf = (text: string): Row[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);

/** The rows of a file that a button downloads. */
async function downloaded(app: Page, button: string): Promise<Row[]> {
  const [file] = await Promise.all([
    app.waitForEvent('download'),
    app.getByRole('button', { name: button }).click(),
  ]);
  return linesOf(await readFile(await file.path(), 'utf8'));
}

/** Chooses a data set's files. */
const choose = (app: Page, files: { name: string; mimeType: string; buffer: Buffer }) =>
  app.locator('.data-drop input[type=file]').setInputFiles(files);

test('GSM8K rows come with the page: drawn, filtered, held out and written', async ({ app }) => {
  await app.getByRole('tab', { name: 'Data' }).click();
  await expectAccessible(app);
  await app.getByRole('button', { name: 'Use 128 GSM8K rows' }).click();
  await expect(app.getByText('128 of 128 rows pass the filter.')).toBeVisible();
  await app.getByRole('textbox', { name: /^Held out/ }).fill('20');
  await app.getByRole('textbox', { name: 'Steps' }).fill('2-3');
  await expect(app.getByText('128 of 128')).toBeHidden();
  await app.getByRole('radio', { name: 'Held out' }).click();
  await expect(app.getByText('1–10 of 20')).toBeVisible();
  await expect(app).toHaveURL(
    /#\/data\?data-set=bundled&data-part=held-out&data-held-out=20&data-steps=2-3$/,
  );
  await expectAccessible(app);

  const all = linesOf(await readFile(bundled, 'utf8'));
  const sample = await downloaded(app, 'Download the sample');
  const held = await downloaded(app, 'Download the held-out rows');
  expect([sample.length, held.length]).toEqual([16, 20]);
  const given = new Map(all.map(({ question, answer }) => [question, answer]));
  for (const { question, answer } of [...sample, ...held]) expect(given.get(question.trim())).toBe(answer);
  const asked = new Set(sample.map(({ question }) => question));
  expect(held.filter(({ question }) => asked.has(question))).toEqual([]);

  // Coming back by the link shows the same rows, drawn alike.
  await app.reload();
  await expect(app.getByText('1–10 of 20')).toBeVisible();
  expect(await downloaded(app, 'Download the held-out rows')).toEqual(held);
});

test('a file of one’s own: what is malformed is listed, the rest loads; what is no data set is refused', async ({
  app,
}) => {
  await app.getByRole('tab', { name: 'Data' }).click();
  const csv = '\ufeffquestion;answer\r\nWie viele?;"1.000"\r\nzu wenig\r\nUnd nun?;7\r\nwie  VIELE?;2\r\n';
  await choose(app, { name: 'own.txt', mimeType: 'text/plain', buffer: Buffer.from(csv) });
  await expect(app.getByRole('heading', { name: 'own.txt' })).toBeVisible();
  await expect(app.getByText('2 of 2 rows pass the filter.')).toBeVisible();
  await app.getByText('Malformed rows: 1').click();
  await expect(app.getByText('1 cell; the header names 2 columns')).toBeVisible();
  await expect(app.getByText(/^Duplicates, whose questions differ only/)).toBeVisible();
  await expectAccessible(app);
  const parquet = { name: 'train.jsonl', mimeType: 'text/plain', buffer: Buffer.from('PAR1\x15\x04\x15') };
  await choose(app, parquet);
  await expect(
    app.getByText('train.jsonl is a Parquet file, not rows of text', { exact: true }),
  ).toBeVisible();
  // What was open stays.
  await expect(app.getByRole('heading', { name: 'own.txt' })).toBeVisible();
});

const hasStories = await hasFile('shared', 'checkpoints/stories260K/config.json');
(hasStories ? test : test.skip)(
  'figure 6 of GSM8K rationales is one press from an opened model',
  { tag: '@slow' },
  async ({ app }) => {
    await app.getByRole('tab', { name: 'Your files' }).click();
    const folder = `${sharedFolder}/checkpoints/stories260K`;
    await app.locator('.model-drop input[type=file]').nth(0).setInputFiles(folder);
    await expect(app.getByText('5 × 64')).toBeVisible({ timeout: 60_000 });
    await app.getByRole('tab', { name: 'Low-rank' }).click();
    // Two of sixteen rows drawn are longer than its 512 positions: that is said, and with the press others are drawn.
    await expect(
      app.getByText(/16 rows of gsm8k-train-128\.jsonl.* take .*2 of them are longer/),
    ).toBeVisible();
    await app.getByRole('button', { name: 'Figure 6 of 16 GSM8K rationales' }).click();
    await expect(app.getByText(/16 rows of gsm8k-train-128\.jsonl.*at most 512 tokens.* take/)).toBeVisible();
    await expect(app.getByText(/^16 samples of opened \(.*\), 5 layers/)).toBeVisible({ timeout: 90_000 });
    await app.getByRole('tab', { name: 'Data' }).click();
    await app.getByRole('textbox', { name: /^Sample/ }).fill('2');
    await app.getByRole('textbox', { name: /^Length limit/ }).fill('8');
    await app.getByRole('button', { name: /^Answer the 2 sampled rows/ }).click();
    await expect(app.getByText('0 of 2; 95 % interval 0.0 % to 65.8 % (Wilson, over rows)')).toBeVisible({
      timeout: 60_000,
    });
    await expectAccessible(app);
  },
);
