import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { expect, expectAccessible, test } from './support/app';

/** The form's number field of that name; opens its group first if it is closed. */
async function fill(app: Page, group: string, name: RegExp, value: string): Promise<void> {
  const trigger = app.getByRole('button', { name: group });
  if ((await trigger.getAttribute('aria-expanded')) === 'false') await trigger.click();
  await app.getByRole('textbox', { name }).fill(value);
}

const lossesOf = (text: string) => (JSON.parse(text) as { observed: { losses: number[] } }).observed.losses;

test('a researcher sees the low rank, distils a student and steps through its thoughts', {
  tag: '@slow',
}, async ({ app }) => {
  await test.step('the bundled pair loads by itself', async () => {
    await expect(app.getByRole('heading', { name: /^Base: / })).toBeVisible({ timeout: 60_000 });
    await expect(app.getByRole('heading', { name: /^Teacher: / })).toBeVisible();
    await expect(app.getByText(/software one/)).toBeVisible();
    await expectAccessible(app);
  });

  await test.step('figure 6', async () => {
    await app.getByRole('tab', { name: 'Low-rank' }).click();
    await app.getByRole('textbox', { name: /^Samples/ }).fill('4');
    await app.getByRole('button', { name: 'Decompose' }).click();
    await expect(app.getByRole('heading', { name: 'How few directions' })).toBeVisible({ timeout: 60_000 });
    await expect(app.getByText(/^4 samples of teacher/)).toBeVisible();
  });

  let first = '';
  await test.step('a short run, paused and resumed', async () => {
    await app.getByRole('tab', { name: 'Distil' }).click();
    await fill(app, 'Data and seed', /^Training samples/, '16');
    await fill(app, 'Data and seed', /^Validation problems/, '20');
    await fill(app, 'Data and seed', /^Held-out problems/, '20');
    await fill(app, 'Optimiser (AdamW)', /^Steps/, '12');
    await fill(app, 'Evaluation', /^Evaluate every/, '6');
    await app.getByRole('button', { name: 'Start LoRi' }).click();
    await app.getByRole('button', { name: 'Pause' }).click();
    await expect(app.getByText('Paused.')).toBeVisible({ timeout: 60_000 });
    await app.getByRole('button', { name: 'Resume' }).click();
    await expect(app.getByText(/of 20 held-out problems right/)).toBeVisible({ timeout: 180_000 });
    // The total and the terms with a weight other than 0.
    const losses = app.locator('.plot').first();
    await losses.scrollIntoViewIfNeeded();
    await expect(losses.locator('.scatterlayer .trace').nth(3)).toBeVisible();
    const [file] = await Promise.all([
      app.waitForEvent('download'),
      app.getByRole('button', { name: 'Download run file' }).click(),
    ]);
    first = await readFile(await file.path(), 'utf8');
    expect(lossesOf(first)).toHaveLength(12);
    await expectAccessible(app);
  });

  await test.step('thoughts, answer, explicit chain of thought', async () => {
    await app.getByRole('tab', { name: 'Latents' }).click();
    await app.getByRole('button', { name: /Held-out problem/ }).click();
    await app.getByRole('option', { name: /^held-out-0/ }).click();
    await app.getByRole('button', { name: 'Open question' }).click();
    await app.getByRole('button', { name: 'Next thought' }).click();
    await expect(app.getByText(/1 of \d latent thoughts made/)).toBeVisible({ timeout: 60_000 });
    await app.keyboard.press('ArrowRight');
    await expect(app.getByText(/2 of \d latent thoughts made/)).toBeVisible();
    await app.getByRole('button', { name: 'All, then answer' }).click();
    await expect(app.getByRole('heading', { name: 'Student, latent' })).toBeVisible({ timeout: 60_000 });
    await app.getByRole('button', { name: 'Explicit chain of thought' }).click();
    await expect(app.getByText(/^The latent answer was/)).toBeVisible({ timeout: 60_000 });
    await expectAccessible(app);
  });

  await test.step('the run file repeats the run to the same losses; the run was kept over a reload', async () => {
    await app.goto('./#/distil');
    await app.reload();
    await expect(app.getByRole('heading', { name: 'Kept runs' })).toBeVisible();
    await app.locator('input[type=file]').setInputFiles({
      name: 'run.json',
      mimeType: 'application/json',
      buffer: Buffer.from(first),
    });
    await expect(app.getByText(/run\.json is loaded into the form/)).toBeVisible();
    const result = app.getByText(/of 20 held-out problems right/);
    await app.getByRole('button', { name: 'Start LoRi' }).click();
    // The imported run's result gives way to the new one's.
    await expect(result).toBeHidden();
    await expect(result).toBeVisible({ timeout: 180_000 });
    const [file] = await Promise.all([
      app.waitForEvent('download'),
      app.getByRole('button', { name: 'Download run file' }).click(),
    ]);
    expect(lossesOf(await readFile(await file.path(), 'utf8'))).toEqual(lossesOf(first));
  });
});

test('the first run can be cancelled at its longest step, and the page is usable afterwards', {
  tag: '@slow',
}, async ({ app }) => {
  await app.getByRole('tab', { name: 'Tour' }).click();
  await app.getByRole('button', { name: 'Run LoRi on 128 samples' }).click();
  await expect(app.getByRole('heading', { name: 'Training loss' })).toBeVisible({ timeout: 120_000 });
  const bar = app.getByRole('banner');
  await expect(bar).toContainText(
    /Guided run: Distil on 128 samples.*of 150 steps.*(about|less than) .* left/,
  );
  await app.getByRole('tab', { name: 'Distil' }).click();
  await app.getByRole('button', { name: /^Cancel task: Guided run/ }).click();
  await expect(bar).toContainText('No task running');
  await app.getByRole('tab', { name: 'Tour' }).click();
  await expect(app.getByText(/^Cancelled\. Finished steps are kept/)).toBeVisible();
  await app.getByRole('tab', { name: 'Low-rank' }).click();
  await expect(app.getByRole('heading', { name: 'How few directions' })).toBeVisible();
  await app.getByRole('button', { name: 'Decompose' }).click();
  await expect(app.getByText(/^16 samples of/)).toBeVisible({ timeout: 60_000 });
});
