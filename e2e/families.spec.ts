import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { runnerImport } from 'vite';
import { expect, test } from './support/app';

/** Tiny checkpoints of each family and what torch computes of them: scripts/goldens/families. */
type Families = typeof import('../src/engine/session/models/families-files.testing');
const { module: families } = await runnerImport<Families>(
  fileURLToPath(new URL('../src/engine/session/models/families-files.testing.ts', import.meta.url)),
  { configFile: false, logLevel: 'error' },
);
const { distance, familyCases, familyFiles, mostProbable, readNpy, TEXT, textOf, textStates } = families;

/** float32 against float64, as a share of the largest value: the weights are exact in bf16. */
const TOLERANCE = 1e-5;
/** Of a token's log-probability, in nats. */
const LOG_TOLERANCE = 1e-4;

const caseOf = (name: string) => {
  const found = familyCases.find((family) => family.name === name);
  if (!found) throw new Error(`no golden ${name}`);
  return found;
};

/** Opens it as a person does, from a folder on disk. */
async function open(app: Page, name: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'family-'));
  for (const { name: file, data } of familyFiles(caseOf(name), 'bf16'))
    await writeFile(join(folder, file), new Uint8Array(await data.arrayBuffer()));
  await app.getByRole('tab', { name: 'Model', exact: true }).click();
  await app.getByRole('tab', { name: 'Your files' }).click();
  await app.locator('.model-drop input[type=file]').nth(0).setInputFiles(folder);
  await expect(app.getByRole('heading', { name: /^Opened: / })).toBeVisible({ timeout: 60_000 });
  await expect(app.getByText('2 × 16').first()).toBeVisible();
}

/** The hidden states of the golden text, as the file that the Low-rank place writes. */
async function expectStates(app: Page, name: string, tolerance = TOLERANCE): Promise<void> {
  await app.getByRole('button', { name: 'See its hidden states' }).click();
  await app.getByRole('radio', { name: 'Typed' }).click();
  await app.getByRole('textbox', { name: /^Texts, one per line/ }).fill(textOf(TEXT));
  const save = app.getByRole('button', { name: 'Save as .npy' });
  if (!(await save.isVisible())) await app.getByRole('button', { name: /^Export/ }).click();
  const [file] = await Promise.all([app.waitForEvent('download'), save.click()]);
  const { shape, values } = readNpy(await readFile(await file.path()));
  expect(shape).toEqual([2, TEXT.length, 16]);
  expect(distance(values, textStates(caseOf(name))), `hidden states of ${name}`).toBeLessThan(tolerance);
}

/** Keeps the opened model so. */
async function keepIn(app: Page, storage: string): Promise<void> {
  await app.getByRole('tab', { name: 'Model', exact: true }).click();
  const choice = app.getByRole('radio', { name: storage });
  // The choice changes once the engine has: `check` would not wait for that.
  await choice.click();
  await expect(choice).toBeChecked();
}

/** The token that the Generate place gives to the golden text but for its last token. */
async function expectGenerated(app: Page, name: string): Promise<void> {
  const length = TEXT.length - 1;
  await app.getByRole('tab', { name: 'Generate' }).click();
  await app.getByRole('textbox', { name: 'Text', exact: true }).fill(textOf(TEXT.slice(0, length)));
  await app.getByRole('textbox', { name: /^Length limit/ }).fill('1');
  await app.getByRole('button', { name: 'Generate', exact: true }).click();
  const best = mostProbable(caseOf(name), length);
  const save = app.getByRole('button', { name: 'Tokens of the continuation: save as CSV' });
  // Until it has begun, the continuation by the model before is shown.
  await expect(async () => {
    const [file] = await Promise.all([app.waitForEvent('download'), save.click()]);
    const lines = (await readFile(await file.path(), 'utf8')).split('\n');
    const [columns = [], row = []] = lines.map((line) => line.split(','));
    const valueOf = (column: string) => Number(row[columns.indexOf(column)]);
    expect(valueOf('id'), name).toBe(best.id);
    const off = Math.abs(valueOf('log-probability') - best.logProbability);
    expect(off, `log-probability of ${name}`).toBeLessThan(LOG_TOLERANCE);
  }).toPass({ timeout: 60_000 });
}

/** Every third family and option: what the page adds to the engine is the same for all. With VITE_ALL=1 every one, in two minutes more. */
const shown = familyCases.filter((_, i) => i % 3 === 0 || process.env.VITE_ALL !== undefined);

test('checkpoints of families and options: the page gives what torch computes', { tag: '@slow' }, async ({
  app,
}) => {
  await app.goto('./#/generate?generator=opened');
  for (const { name } of shown)
    await test.step(name, async () => {
      await open(app, name);
      await expectStates(app, name);
      await expectGenerated(app, name);
    });
  await test.step('a span of tokens', async () => {
    await app.getByRole('tab', { name: 'Low-rank' }).click();
    const tokens = app.getByRole('textbox', { name: 'Tokens of each sequence' });
    if (!(await tokens.isVisible())) await app.getByRole('button', { name: /^Stacking/ }).click();
    const save = app.getByRole('button', { name: 'Save as .npy' });
    if (!(await save.isVisible())) await app.getByRole('button', { name: /^Export/ }).click();
    await tokens.fill('3-2');
    await expect(app.getByText('The last token, 2, comes before the first, 3.')).toBeVisible();
    await expect(save).toBeDisabled();
    await tokens.fill('2-3');
    const [file] = await Promise.all([app.waitForEvent('download'), save.click()]);
    const { shape, values } = readNpy(await readFile(await file.path()));
    expect(shape).toEqual([2, 2, 16]);
    const whole = textStates(caseOf(shown.at(-1)?.name as string));
    const H = 16;
    const own = [0, 1].flatMap((layer) => [
      ...whole.slice((layer * TEXT.length + 1) * H, (layer * TEXT.length + 3) * H),
    ]);
    expect(distance(values, Float32Array.from(own))).toBeLessThan(TOLERANCE);
    await tokens.fill('all');
  });
  await test.step('kept in fewer bits', async () => {
    await keepIn(app, '16 bits');
    await expectStates(app, shown.at(-1)?.name as string);
    await keepIn(app, '4 bits, by blocks of 32');
    await app.getByRole('button', { name: 'Measure what fewer bits change' }).click();
    const measured = app.getByRole('table', { name: 'What fewer bits change' });
    const row = (n: number) => measured.getByRole('row').nth(n);
    // float16 holds these weights.
    await expect(row(1)).toContainText(/^16 bits0 %/, { timeout: 30_000 });
    await expect(row(2)).toContainText(/^8 bits0\.\d+ %/);
    await expect(row(3)).toContainText(/^4 bits\d+(\.\d)? %/);
  });
});

/** One of each family takes longer than two minutes here: on a software adapter, one model's programs compile for half a minute. */
const onGpu =
  process.env.VITE_ALL === undefined
    ? ['qwen3, tied head']
    : ['llama, tied head', 'qwen2, tied head', 'gpt2, prefix transformer.', 'qwen3, tied head'];

test('the same on WebGPU', { tag: '@slow' }, async ({ app }) => {
  await app.goto('./#/generate?generator=opened');
  await app.getByRole('tab', { name: 'Model', exact: true }).click();
  await app.getByRole('radio', { name: 'WebGPU' }).click();
  await expect(app.getByText(/swiftshader.*\(software\)/)).toBeVisible();
  for (const name of onGpu)
    await test.step(name, async () => {
      await open(app, name);
      await expectStates(app, name);
      await expectGenerated(app, name);
    });
  // Fixed-point by blocks there.
  await keepIn(app, '16 bits');
  await expectStates(app, onGpu.at(-1) as string, 2e-2);
});
