import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
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

test('two methods on two seeds, through a reload', async ({ app }) => {
  test.setTimeout(240_000);
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
});
