import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Download, Page } from '@playwright/test';
import { hasFile } from '../scripts/tools/files';
import { sharedFolder } from '../scripts/tools/folders.mjs';
import { expect, expectAccessible, test } from './support/app';

const folder = `${sharedFolder}/checkpoints/stories260K`;
const hasStories = await hasFile('shared', 'checkpoints/stories260K/config.json');

/** Sums that a model of a quarter of a million parameters can begin to learn. */
const rows = Array.from({ length: 60 }, (_, i) => {
  const [a, b] = [1 + (i % 6), 1 + Math.floor(i / 6)];
  return {
    question: `Tom had ${a} apples. Lily gave Tom ${b} more.`,
    cot: `<<${a}+${b}=${a + b}>>`,
    answer: String(a + b),
  };
});

/** One of a field's options. */
async function choose(app: Page, field: string, option: RegExp): Promise<void> {
  await app.getByRole('button', { name: new RegExp(`${field}$`) }).click();
  await app.getByRole('option', { name: option }).click();
}

/** Opens stories260K, and the rows. */
async function openStories(app: Page): Promise<void> {
  await app.getByRole('tab', { name: 'Model', exact: true }).click();
  await app.getByRole('tab', { name: 'Your files' }).click();
  await app
    .locator('.model-drop input[type=file]')
    .nth(1)
    .setInputFiles(
      ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors'].map(
        (name) => `${folder}/${name}`,
      ),
    );
  await expect(app.getByRole('heading', { name: /^Opened: / })).toBeVisible({ timeout: 60_000 });
  await app.getByRole('tab', { name: 'Data' }).click();
  await app.locator('.data-drop input[type=file]').setInputFiles({
    name: 'sums.jsonl',
    mimeType: 'application/jsonl',
    buffer: Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n')),
  });
  await expect(app.getByText('60 of 60 rows pass the filter.')).toBeVisible();
}

async function saved(download: Download): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'distil-')), download.suggestedFilename());
  await download.saveAs(path);
  return path;
}

test('a model opened from files is distilled on dropped rows, and stepped', { tag: '@slow' }, async ({
  app,
}) => {
  test.skip(!hasStories, 'stories260K is not available');
  await openStories(app);

  await app.getByRole('tab', { name: 'Distil' }).click();
  const card = app.getByRole('region', { name: 'Models and data' });
  await choose(app, 'Student', /the opened model/);
  await choose(app, 'Data', /the opened data set: sums\.jsonl/);
  await card.getByRole('button', { name: 'Keep the opened model as teacher' }).click();
  await expect(card.getByRole('button', { name: /the kept teacher: / })).toBeVisible();
  await expect(
    app.getByText(/sums\.jsonl has 60 rows: 45 for training, 6 for validation and 9 held out/),
  ).toBeVisible();
  // Said before anything runs.
  await expect(card.getByText(/Memory of a step of 8 ×/)).toBeVisible();
  await expect(card.getByText(/in all, of which evaluation .*the held-out problems/)).toBeVisible();
  await app.getByRole('button', { name: 'Optimiser (AdamW)' }).click();
  await app.getByRole('textbox', { name: /^Steps/ }).fill('6');
  await expectAccessible(app);
  await app.getByRole('button', { name: /^Start LoRi/ }).click();
  await expect(card.getByText(/45 training, 6 validation and 9 held-out rows of sums\.jsonl/)).toBeVisible();
  await expect(app.getByText(/answers \d of 9 held-out problems right/)).toBeVisible({ timeout: 150_000 });
  if (process.env.SHOTS)
    await app.screenshot({ path: `${process.env.SHOTS}/distil-opened.png`, fullPage: true });

  await app.getByRole('button', { name: 'Keep as teacher' }).click();
  await expect(card.getByRole('button', { name: /the kept teacher: .*LoRi/ })).toBeVisible();
  await app.getByRole('tab', { name: 'Latents' }).click();
  await app.getByRole('textbox', { name: 'Text' }).fill(rows[0]?.question ?? '');
  await app.getByRole('button', { name: 'Open question' }).click();
  await expect(app.getByRole('heading', { name: 'Latent thoughts' })).toBeVisible({ timeout: 60_000 });
});

const SETTINGS = [
  ...['roles.student=opened', 'roles.teacher=self', 'roles.data=opened'],
  ...['data.samples=6', 'data.validation=0', 'data.heldOut=4', 'optimiser.batch=2', 'optimiser.steps=30'],
  ...['observation.every=0', 'keeping.every=2', 'latent.steps=3'],
].join(';');

test('stories260K is distilled, its tab crashes, the run goes on from its address; its adapter and its bundle open again', {
  tag: '@slow',
}, async ({ app: first, context, complaints }) => {
  test.skip(!hasStories, 'stories260K is not available');
  complaints.allow(/crashed/);
  await openStories(first);
  await first.goto(`./#/distil?set=${SETTINGS}`);
  await first.getByRole('button', { name: 'Start LoRi' }).click();
  await expect(first.getByText(/^Kept at step [1-9]/)).toBeVisible({ timeout: 90_000 });
  const address = first.url();
  expect(address).toContain('kept=');
  const session = await context.newCDPSession(first);
  await Promise.all([
    first.waitForEvent('crash'),
    Promise.resolve(void session.send('Page.crash').catch(() => {})),
  ]);

  const app = await context.newPage();
  await app.goto(address);
  // The address shows the run and its settings, and says what it needs.
  await expect(app.getByText(/open its model and its data first: they are not open here/)).toBeVisible();
  await expect(app.getByText(/Ended early; the curves are kept/)).toBeVisible({ timeout: 60_000 });
  await openStories(app);
  await app.getByRole('tab', { name: 'Distil' }).click();
  await app.getByRole('button', { name: /^Resume from step \d+: / }).click();
  await expect(app.getByText(/answers \d of 4 held-out problems right/)).toBeVisible({ timeout: 150_000 });

  const [bundle, adapter] = [
    await Promise.all([
      app.waitForEvent('download'),
      app.getByRole('button', { name: /^Run bundle of/ }).click(),
    ]),
    await Promise.all([
      app.waitForEvent('download'),
      app.getByRole('button', { name: 'Adapter (PEFT)' }).click(),
    ]),
  ].map(([download]) => download as Download) as [Download, Download];
  const paths = { bundle: await saved(bundle), adapter: await saved(adapter) };
  await expectAccessible(app);
  if (process.env.SHOTS)
    await app.screenshot({ path: `${process.env.SHOTS}/distil-kept.png`, fullPage: true });
  await app.getByRole('button', { name: /^Delete / }).click();
  await expect(app.getByText(/^Deleted: /)).toBeVisible();
  await app.locator('input[type=file]').first().setInputFiles(paths.bundle);
  await expect(app.getByText(/is among the kept runs\.$/)).toBeVisible();
  await expect(app.getByText(/student at step 30/)).toHaveCount(1);

  await app.getByRole('tab', { name: 'Model', exact: true }).click();
  await app.locator('.model-drop input[type=file]').nth(1).setInputFiles(paths.adapter);
  await expect(app.getByText('3 latent thoughts; step through them in Latents')).toBeVisible({
    timeout: 60_000,
  });
  await app.getByRole('tab', { name: 'Latents' }).click();
  await app.getByRole('radiogroup', { name: 'Student' }).getByRole('radio').nth(2).click({ timeout: 60_000 });
  await app.getByRole('textbox', { name: 'Text', exact: true }).fill(rows[0]?.question ?? '');
  await app.getByRole('button', { name: 'Open question' }).click();
  await app.getByRole('button', { name: 'Run to the end' }).click({ timeout: 60_000 });
  await expect(app.getByText('3 of 3 latent thoughts made')).toBeVisible({ timeout: 60_000 });
  await app.close();
});
