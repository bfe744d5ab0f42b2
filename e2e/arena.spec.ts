import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { formatArena } from '../src/contract/arena';
import { parseRunConfig } from '../src/contract/config';
import { METHODS } from '../src/contract/methods/index';
import { expect, expectAccessible, test } from './support/app';

async function fill(app: Page, group: string, name: RegExp, value: string): Promise<void> {
  const trigger = app.getByRole('button', { name: group });
  if ((await trigger.getAttribute('aria-expanded')) === 'false') await trigger.click();
  await app.getByRole('textbox', { name }).fill(value);
}

/** Makes the Distil place's settings short ones and has them take part. */
async function addShort(app: Page, preset: string): Promise<void> {
  await app.goto(`./#/distil?preset=${preset}`);
  await fill(app, 'Data and seed', /^Training samples/, '8');
  await fill(app, 'Data and seed', /^Validation problems/, '0');
  await fill(app, 'Optimiser (AdamW)', /^Steps/, '2');
  await app.getByRole('tab', { name: 'Arena' }).click();
  await app.getByRole('button', { name: 'Add the settings of Distil' }).click();
}

test('two methods on two seeds, through a reload', { tag: '@slow' }, async ({ app }) => {
  await expect(app.getByRole('heading', { name: /^Teacher: / })).toBeVisible({ timeout: 60_000 });
  await app.getByRole('tab', { name: 'Arena' }).click();
  const chosen = app.getByRole('checkbox', { checked: true });
  for (let left = await chosen.count(); left > 0; left--) {
    await chosen.first().click({ force: true });
    await expect(chosen).toHaveCount(left - 1);
  }
  await app.getByRole('textbox', { name: /^Seeds/ }).fill('1-2');
  await app.getByRole('textbox', { name: /^Held-out problems/ }).fill('4');
  await addShort(app, 'ce-128');
  await addShort(app, 'nocot-128');
  await app.getByRole('button', { name: /Baseline/ }).click();
  await app.getByRole('option', { name: 'nocot', exact: true }).click();
  await expect(app.getByText('4 runs, of which 4 are left.')).toBeVisible();
  await expectAccessible(app);
  await app.getByRole('button', { name: 'Start the arena' }).click();
  await expect(app.getByRole('row', { name: /^ce 1 / })).toBeVisible({ timeout: 120_000 });

  await app.goto('./#/arena');
  await app.reload();
  await expect(app.getByRole('row', { name: /^ce / })).toBeVisible({ timeout: 60_000 });
  await app.getByRole('button', { name: /^Go on: [123] runs left/ }).click();
  await expect(app.getByRole('row', { name: /^ce 2 / })).toBeVisible({ timeout: 120_000 });
  await expect(app.getByRole('row', { name: /^nocot 2 / })).toBeVisible({ timeout: 120_000 });
  await expect(app.getByText('No task running')).toBeVisible({ timeout: 60_000 });
  await expect(
    app.getByText(/For 1 of 1 no difference from nocot is established with 2 seeds/),
  ).toBeVisible();
  await expectAccessible(app);

  // Where results stand below the forms, a button leads to them.
  const { width = 1280, height = 800 } = app.viewportSize() ?? {};
  await app.setViewportSize({ width: 360, height: 640 });
  await app.evaluate(() => window.scrollTo(0, 0));
  const results = app.getByRole('heading', { name: 'Arena', exact: true, level: 3 });
  await expect(results).not.toBeInViewport();
  await app.getByRole('button', { name: 'To the results: 4 of 4 runs' }).press('Enter');
  await expect(results).toBeInViewport();
  // No outline of the keyboard’s around the whole page.
  await expect(app.locator('.page')).toHaveCSS('outline-style', 'none');
  await expectAccessible(app);
  await app.setViewportSize({ width, height });

  const [file] = await Promise.all([
    app.waitForEvent('download'),
    app.getByRole('button', { name: 'Download arena (JSON)' }).click(),
  ]);
  const text = await readFile(await file.path(), 'utf8');
  expect((JSON.parse(text) as { runs: unknown[] }).runs).toHaveLength(4);
  await app.getByRole('button', { name: 'Drop all runs' }).click();
  await expect(app.getByText(/^Nothing has been run yet/)).toBeVisible();
  await app.locator('input[type=file]').setInputFiles({
    name: 'arena.json',
    mimeType: 'application/json',
    buffer: Buffer.from(text),
  });
  await expect(app.getByRole('row', { name: /^nocot 2 / })).toBeVisible();

  // The students of its runs are kept: the last one, of the baseline on seed 2, answers the same problems as it did then.
  await expect(app.getByRole('button', { name: /seed 2 Kept student$/ })).toBeVisible();
  await app.getByRole('button', { name: 'Add this kept student' }).click();
  await expect(app.getByText('1 kept student, of which 1 has not answered yet.')).toBeVisible();
  await app.getByRole('button', { name: 'Have the kept students answer' }).click();
  const kept = app.getByRole('row', { name: /kept student, trained on seed 2 / });
  await expect(kept).toBeVisible({ timeout: 60_000 });
  await expect(kept.getByRole('cell').nth(3)).toHaveText('0.0');
  await expect(app.getByText(/on one seed: there is no interval over seeds and no test of it/)).toBeVisible();
  await expectAccessible(app);

  // An ablation fills the arena in and says what it takes; what was there comes back.
  await app.getByRole('button', { name: /Ablation$/ }).click();
  await app.getByRole('option', { name: 'Anchor loss (LoRi table 3)' }).click();
  await app.getByRole('button', { name: 'Fill in this ablation' }).click();
  await expect(app.getByText('15 runs, of which 15 are left.')).toBeVisible();
  await expect(
    app.getByText(
      /^15 runs take about .+ each on average, evaluation included: estimated from the number of operations/,
    ),
  ).toBeVisible();
  await expectAccessible(app);
  await app.getByRole('button', { name: 'Undo' }).click();
  await expect(app.getByRole('row', { name: /^nocot 2 / })).toBeVisible();

  // With no result to lose one press runs it; before its first result what was there still comes back.
  await app.getByRole('button', { name: 'Drop all runs' }).click();
  await app.getByRole('button', { name: 'Run this ablation' }).click();
  await expect(app.getByText(/^Training without, seed 1/).first()).toBeVisible();
  await app.getByRole('button', { name: 'Cancel the arena' }).click();
  await app.getByRole('button', { name: 'Undo' }).click();
  await expect(app.getByText('4 runs, of which 4 are left.')).toBeVisible();
});

/** Every method on a handful of samples for a few steps, so short that all are trained in a minute; the last one's curves are then shown. */
function tinyArena(): string {
  const small = {
    data: { samples: 8, validation: 0, heldOut: 4 },
    lora: { rank: 2 },
    optimiser: { steps: 2, batch: 4 },
    evaluation: { every: 0 },
    observation: { every: 0 },
  };
  // Two stages each; one method trains all weights.
  const own: Readonly<Record<string, object>> = {
    coconut: { curriculum: { stages: 1, first: 1, stageSteps: 1, latentsPerStep: 1 } },
    nocot: { training: { weights: 'full' } },
    icot: { removal: { perStage: 12, stageSteps: 1, allBeyond: 12 } },
    grpo: {
      ...{ latents: { bias: 1, max: 3 }, optimiser: { steps: 4, batch: 4 }, evaluation: { every: 2 } },
      data: { ...small.data, validation: 2 },
      reinforcement: { supervisedSteps: 2, group: 4, tokens: 8, share: 0.5 },
    },
  };
  const last = METHODS.filter(({ id }) => id === 'grpo');
  const contenders = [...METHODS.filter(({ id }) => id !== 'grpo'), ...last].map(({ id, settings }) => ({
    name: id,
    config: parseRunConfig({
      ...{ ...small, method: id },
      ...('latent' in settings && { latent: { steps: 2 } }),
      ...own[id],
    }),
  }));
  const axis = { ablation: 'every method', label: 'method', measure: 'latency' } as const;
  return formatArena({ contenders, seeds: [3], baseline: 'ce', axis, runs: [] });
}

test('every method trains in the page, and the curves of a curriculum and of drawn answers are shown', {
  tag: '@slow',
}, async ({ app }) => {
  await expect(app.getByRole('heading', { name: /^Teacher: / })).toBeVisible({ timeout: 60_000 });
  await app.getByRole('tab', { name: 'Arena' }).click();
  await app.locator('input[type=file]').setInputFiles({
    name: 'arena.json',
    mimeType: 'application/json',
    buffer: Buffer.from(tinyArena()),
  });
  await expect(app.getByText(`${METHODS.length} runs, of which ${METHODS.length} are left.`)).toBeVisible();
  await app.getByRole('button', { name: 'Start the arena' }).click();
  await expect(app.getByText(`${METHODS.length} runs, of which 0 are left.`)).toBeVisible({
    timeout: 200_000,
  });
  // A figure on one seed, and no failure: the last cell counts them.
  for (const { id } of METHODS) {
    const row = app.getByRole('row', { name: new RegExp(`^${id} 1 \\d`) });
    await expect(row.getByRole('cell').last()).toHaveText('0');
  }
  await expect(app.getByRole('heading', { name: 'Milliseconds of an answer against method' })).toBeVisible();

  await app.getByRole('tab', { name: 'Distil' }).click();
  const stages = app.getByRole('region', { name: 'Accuracy by stage' });
  await expect(stages.getByRole('row', { name: /^1 supervised 1 to 2 / })).toBeVisible();
  await expect(stages.getByRole('row', { name: /^2 reinforced 3 to 4 / })).toBeVisible();
  for (const chart of [
    ...['Loss terms', 'Validation accuracy', 'Gradient norm', 'Learning rate'],
    ...['Length of drawn answers', 'Terms of the reward'],
  ]) {
    // Both stages have their mark.
    const plot = app.getByRole('figure', { name: chart });
    await plot.scrollIntoViewIfNeeded();
    await expect(plot.locator('.annotation-text'), chart).toHaveText(['1', '2']);
  }
  for (const chart of [
    ...['Length by correctness', 'Accuracy by length', 'Accuracy against mean length'],
    'Reward against length',
  ]) {
    const plot = app.getByRole('figure', { name: chart });
    await plot.scrollIntoViewIfNeeded();
    await expect(plot.locator('.scatterlayer .trace').first(), chart).toBeAttached();
  }
  await app.getByText('Every answer with its terms').click();
  const answers = app.getByRole('table', { name: /^Answers drawn at step \d/ });
  // Batches of four drawn answers, one group.
  await expect(answers.getByRole('row')).toHaveCount(5);
  // Steps 3 and 4 drew answers: the last is shown, the one before it by keyboard.
  await expect(app.getByRole('heading', { name: 'Groups of step 4' })).toBeVisible();
  await app.getByRole('slider', { name: 'Drawn step' }).focus();
  await app.keyboard.press('ArrowLeft');
  await expect(app.getByRole('heading', { name: 'Groups of step 3' })).toBeVisible();
  await expect(app.getByRole('table', { name: 'Answers drawn at step 3' })).toBeVisible();
  await expectAccessible(app);
});
