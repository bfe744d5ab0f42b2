import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Locator, Page } from '@playwright/test';
import { hasFile } from '../scripts/tools/files';
import { sharedFolder } from '../scripts/tools/folders.mjs';
import { expect, expectAccessible, test } from './support/app';

/** Figure 6 computed with numpy and scipy in float64: scripts/goldens/lens. */
interface Golden {
  readonly sigma: readonly number[];
  readonly cumulative: readonly number[];
  readonly energyRanks: readonly number[];
}
interface Figure6 {
  readonly bySample: readonly Golden[];
}

const golden = async <T>(name: string): Promise<T> =>
  JSON.parse(
    await readFile(fileURLToPath(new URL(`../src/engine/session/lens/${name}`, import.meta.url)), 'utf8'),
  ) as T;

const decompose = (app: Page) => app.getByRole('button', { name: 'Decompose', exact: true }).click();
const view = (app: Page, name: string) => app.getByRole('tab', { name, exact: true }).click();
const figure = (app: Page, name: string | RegExp) => app.getByRole('figure', { name, exact: true });

/** The CSV file of a chart as columns by name. */
async function columnsOf(app: Page, chart: string): Promise<Map<string, number[]>> {
  const [file] = await Promise.all([
    app.waitForEvent('download'),
    app.getByRole('button', { name: `${chart}: save as CSV` }).click(),
  ]);
  const text = await readFile(await file.path(), 'utf8');
  const [head = [], ...rows] = text
    .trim()
    .split('\n')
    .map((line) =>
      [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map(([, cell = '']) => cell.replaceAll('"', '')),
    );
  return new Map(head.map((name, i) => [name, rows.flatMap((row) => (row[i] ? [Number(row[i])] : []))]));
}

/** Hidden states come from f32 arithmetic in another order than numpy's, which leaves 2e-5 of the largest value. */
const TOLERANCE = 2e-5;

function expectClose(got: readonly number[] | undefined, want: readonly number[], what: string): void {
  expect(got, what).toBeDefined();
  expect(got!.length, what).toBe(want.length);
  const worst = Math.max(...want.map((value, i) => Math.abs(value - got![i]!)));
  expect(worst, `${what}: largest error`).toBeLessThan(TOLERANCE * Math.max(...want.map(Math.abs)));
}

/** Checks both charts of figure 6, and the table of ranks, against the stored values. */
async function expectFigure6(app: Page, want: Figure6, name: (sample: number) => string): Promise<void> {
  const cumulative = await columnsOf(app, 'Cumulative singular values');
  const decay = await columnsOf(app, 'Decay of singular values');
  for (const [i, one] of want.bySample.entries()) {
    expectClose(cumulative.get(name(i)), one.cumulative, `cumulative of ${name(i)}`);
    const first = one.sigma[0]!;
    expectClose(
      decay.get(name(i)),
      one.sigma.map((sigma) => sigma / first),
      `decay of ${name(i)}`,
    );
  }
}

async function ranksOf(table: Locator, of: string): Promise<number[][]> {
  const rows = await table.getByRole('row').filter({ hasText: of }).all();
  return Promise.all(
    rows.map(async (row) => {
      const cells = await row.getByRole('cell').allInnerTexts();
      return cells.slice(-6, -2).map(Number);
    }),
  );
}

test('the lens on the bundled pair: figure 6 against scipy, controls, every view, the causal test', {
  tag: '@slow',
}, async ({ page: app }) => {
  const pair = await golden<{
    readonly problems: readonly { readonly id: string }[];
    readonly rationale: Figure6;
    readonly latent: Figure6;
  }>('figure6-pair.golden.json');
  const ids = pair.problems.map(({ id }) => id);

  await test.step('figure 6 of the teacher’s rationale and the base’s latents, from a link', async () => {
    await app.goto(`./#/lowrank?ids=${ids.join(',')}&overlay=base&overlay-sections=latent`);
    await decompose(app);
    await expect(app.getByRole('heading', { name: 'How few directions' })).toBeVisible({ timeout: 60_000 });
    await expectFigure6(app, pair.rationale, (i) => `teacher, ${ids[i]}`);
    await expectFigure6(app, pair.latent, (i) => `base, ${ids[i]}`);
    const table = app.getByRole('table', { name: 'All spectra' });
    expect(await ranksOf(table, 'teacher')).toEqual(pair.rationale.bySample.map((s) => s.energyRanks));
    expect(await ranksOf(table, 'base')).toEqual(pair.latent.bySample.map((s) => s.energyRanks));
    for (const format of ['SVG', 'PNG']) {
      const [file] = await Promise.all([
        app.waitForEvent('download'),
        app.getByRole('button', { name: `Cumulative singular values: save as ${format}` }).click(),
      ]);
      expect((await readFile(await file.path())).length).toBeGreaterThan(1000);
    }
    await expectAccessible(app);
  });

  await test.step('controls: Gaussian data has no low rank, the states have', async () => {
    await app.getByRole('button', { name: /^Controls/ }).click();
    for (const name of ['Shuffled states', 'Random tokens', 'Another prompt', 'Gaussian data'])
      await app.getByText(name, { exact: true }).click();
    await decompose(app);
    await expect(figure(app, 'Cumulative singular values')).toContainText(
      /More are needed for .*Gaussian data \(\d+\)/,
      { timeout: 60_000 },
    );
  });

  await test.step('every view', async () => {
    await view(app, 'Ranks');
    await expect(figure(app, 'Rank against layer')).toContainText(/at layer \d/);
    await view(app, 'Tucker');
    await app.getByRole('button', { name: 'Decompose by Tucker' }).click();
    await expect(figure(app, 'Energy of the core: teacher')).toBeVisible({ timeout: 60_000 });
    await expectAccessible(app);
    await view(app, 'Angles');
    await expect(figure(app, 'Principal angles against layer')).toContainText('where chance gives');
    await expect(figure(app, 'Mean cosine between positions')).toContainText('mean cosine');
    await view(app, 'Trajectories');
    await app.getByRole('button', { name: 'Draw trajectories' }).click();
    await expect(figure(app, /^Trajectories/)).toContainText('These three directions hold', {
      timeout: 60_000,
    });
    await app.getByRole('radio', { name: '3-D' }).click();
    // A chart is drawn when it comes into view.
    await figure(app, /^Trajectories/).scrollIntoViewIfNeeded();
    await expect(app.locator('.plot canvas').first()).toBeVisible();
    await app.getByRole('button', { name: /turn left/ }).click();
    await expectAccessible(app);
  });

  await test.step('the causal test, and one rank more', async () => {
    await view(app, 'Causal test');
    await app.getByRole('textbox', { name: /^Held-out problems/ }).fill('6');
    await app.getByRole('textbox', { name: /^Ranks/ }).fill('0 128');
    await app.getByRole('button', { name: 'Run the causal test' }).click();
    const chart = figure(app, 'Accuracy against rank r');
    await expect(chart).toContainText('The whole model gets', { timeout: 60_000 });
    const points = await columnsOf(app, 'Accuracy against rank r');
    expect(points.get('rank')).toEqual([0, 128]);
    const [none, all] = points.get('leading directions')!;
    expect(none).toBeLessThan(0.35);
    expect(all).toBe(points.get('the whole model')![0]);
    await app.getByRole('slider', { name: 'Rank r' }).fill('80');
    await app.getByRole('button', { name: 'Measure at rank 80' }).click();
    await expect(app.getByText(/^At rank 80:/)).toBeVisible({ timeout: 60_000 });
    await expectAccessible(app);
  });

  await test.step('a long causal test can be cancelled, which restores the previous one', async () => {
    const field = app.getByRole('textbox', { name: /^Held-out problems/ });
    const chart = figure(app, 'Accuracy against rank r');
    await field.fill('1000');
    await app.getByRole('button', { name: 'Run the causal test' }).click();
    await expect(app.getByText(/of 7,000 problems/).first()).toBeVisible({ timeout: 60_000 });
    await app.getByRole('button', { name: 'Cancel the causal test' }).click();
    await expect(chart).toContainText('The whole model gets');
    expect((await columnsOf(app, 'Accuracy against rank r')).get('rank')).toEqual([0, 80, 128]);
  });

  await test.step('all of it at 390 pixels in the dark', async () => {
    await app.setViewportSize({ width: 390, height: 844 });
    await app.getByRole('radio', { name: 'Dark' }).click();
    for (const name of ['Spectra', 'Ranks', 'Tucker', 'Trajectories', 'Angles', 'Causal test']) {
      await view(app, name);
      await expectAccessible(app);
      expect(await app.evaluate(() => document.documentElement.scrollWidth), name).toBeLessThanOrEqual(390);
    }
  });
});

test('a checkpoint from files: stories260K’s figure 6 against scipy; a wrong folder is reported', async ({
  app,
}) => {
  const folder = `${sharedFolder}/checkpoints/stories260K`;
  test.skip(
    !(await hasFile('shared', 'checkpoints/stories260K/config.json')),
    'stories260K is not available',
  );
  const stories = await golden<{ readonly texts: readonly string[]; readonly text: Figure6 }>(
    'figure6-stories.golden.json',
  );
  await app.getByRole('tab', { name: 'Your files' }).click();
  const files = app.locator('.model-drop input[type=file]');
  await files.nth(1).setInputFiles([`${folder}/model.safetensors`]);
  await expect(app.getByRole('alert')).toContainText('config.json is missing', { timeout: 60_000 });
  await files.nth(0).setInputFiles(folder);
  await expect(app.getByText('5 × 64')).toBeVisible({ timeout: 60_000 });
  await expect(app.getByRole('alert')).toBeHidden();
  await app.getByRole('tab', { name: 'Low-rank' }).click();
  await app.getByRole('radio', { name: 'Typed' }).click();
  await app.getByRole('textbox', { name: /^Texts/ }).fill(stories.texts.join('\n'));
  await decompose(app);
  await expect(app.getByText(/^3 samples of opened/)).toBeVisible({ timeout: 60_000 });
  await expectFigure6(app, stories.text, (i) => `text-${i + 1}`);
  expect(await ranksOf(app.getByRole('table', { name: 'All spectra' }), 'text-')).toEqual(
    stories.text.bySample.map((s) => s.energyRanks),
  );
  await expectAccessible(app);
});

test('the student’s latents while it learns, and its checkpoints in the lens', { tag: '@slow' }, async ({
  app,
}) => {
  await app.goto('./#/distil');
  const config = {
    data: { samples: 8, validation: 0, heldOut: 8 },
    optimiser: { steps: 40, batch: 4 },
    evaluation: { every: 0 },
    observation: { every: 4, samples: 4 },
  };
  await app.locator('input[type=file]').setInputFiles({
    name: 'run.json',
    mimeType: 'application/json',
    buffer: Buffer.from(JSON.stringify(config)),
  });
  await expect(app.getByText(/run\.json is loaded into the form/)).toBeVisible();
  await app.getByRole('button', { name: 'Start LoRi' }).click();
  await expect(app.getByRole('heading', { name: 'The student’s latents' })).toBeVisible({ timeout: 90_000 });
  await app.getByRole('tab', { name: 'Low-rank' }).click();
  await app.getByRole('textbox', { name: /^Samples/ }).fill('4');
  await app.getByRole('button', { name: /Hidden states of/ }).click();
  await app.getByRole('option', { name: /, step 4$/ }).click();
  await decompose(app);
  await expect(app.getByText(/^4 samples of student, step 4/)).toBeVisible({ timeout: 60_000 });
  await app.getByRole('tab', { name: 'Distil' }).click();
  await expect(app.getByText(/of 8 held-out problems right/)).toBeVisible({ timeout: 90_000 });
  await expect(app.getByText(/^Medians over 4 training samples.*at step 0 to .* at step 40/)).toBeVisible();
  await app.getByRole('tab', { name: 'Low-rank' }).click();
  await app.getByRole('button', { name: /Hidden states of/ }).click();
  await app.getByRole('option', { name: /^Student: LoRi, .*step 40$/ }).click();
  await app.getByRole('tab', { name: 'Angles' }).click();
  await decompose(app);
  await expect(figure(app, 'Mean cosine between positions')).toContainText('Student:', { timeout: 60_000 });
  await expectAccessible(app);
});
