import type { Page } from '@playwright/test';
import { expect, expectAccessible, test } from './support/app';

/** The form's number field of that name; opens its group first if it is closed. */
async function fill(app: Page, group: string, name: RegExp, value: string): Promise<void> {
  const trigger = app.getByRole('button', { name: group });
  if ((await trigger.getAttribute('aria-expanded')) === 'false') await trigger.click();
  await app.getByRole('textbox', { name }).fill(value);
}

test('a run whose tab crashed is offered, trains on, and its student is used after a reload', async ({
  app,
  context,
  complaints,
}) => {
  test.setTimeout(300_000);
  await app.goto('./#/distil');
  await fill(app, 'Data and seed', /^Training samples/, '8');
  await fill(app, 'Data and seed', /^Validation problems/, '0');
  await fill(app, 'Data and seed', /^Held-out problems/, '10');
  await fill(app, 'Optimiser (AdamW)', /^Steps/, '40');
  await fill(app, 'Keeping', /^Keep every/, '5');
  await app.getByRole('button', { name: 'Start LoRi' }).click();
  await expect(app.getByText(/^Kept at step (5|10|15) .*the last 5 steps at most are lost/)).toBeVisible({
    timeout: 120_000,
  });

  complaints.allow(/crashed/);
  const crash = await context.newCDPSession(app);
  await Promise.all([app.waitForEvent('crash'), crash.send('Page.crash').catch(() => {})]);

  const page = await context.newPage();
  await page.goto('./#/model');
  const offer = page.getByRole('region', { name: 'An interrupted run' });
  await expect(offer).toContainText(/kept as it was after step (5|10|15|20) of 40/, { timeout: 60_000 });
  await expectAccessible(page);
  await offer.getByRole('button', { name: /^Resume from step/ }).click();
  await expect(page.getByText(/of 10 held-out problems right/)).toBeVisible({ timeout: 180_000 });
  await expect(offer).toHaveCount(0);
  // One run, with all its steps.
  await expect(page.getByText(/in 40 steps/)).toBeVisible();
  await expect(page.getByText(/student at step 40/)).toHaveCount(1);

  await page.reload();
  await page
    .getByRole('button', { name: /^Use the student of/ })
    .first()
    .click();
  await expect(page.getByText('student in use')).toBeVisible({ timeout: 60_000 });
  await expectAccessible(page);
  await page.getByRole('tab', { name: 'Latents' }).click();
  await expect(page.getByText(/Student: .*step 40/)).toBeVisible();
  await page.close();
});
