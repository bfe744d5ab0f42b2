import { expect, test } from './support/app';

test('a run in progress is shown as such in another tab, and leaving its own tab asks first', async ({
  app,
  context,
}) => {
  const distil = (page: typeof app) => page.goto('./#/distil');
  await distil(app);
  await app.getByRole('button', { name: /^Start/ }).click();
  await expect(app.getByText(/running in this tab/).first()).toBeVisible({ timeout: 60_000 });

  const other = await context.newPage();
  await distil(other);
  await expect(other.getByText(/running in another tab/).first()).toBeVisible({ timeout: 60_000 });
  await expect(other.getByRole('button', { name: /^Delete / }).first()).toBeDisabled();
  await other.close();

  const asked = app.waitForEvent('dialog');
  await app.close({ runBeforeUnload: true });
  const dialog = await asked;
  expect(dialog.type()).toBe('beforeunload');
  await dialog.accept();

  const after = await context.newPage();
  await distil(after);
  await expect(after.getByText(/interrupted after \d+ steps/).first()).toBeVisible({ timeout: 60_000 });
  await after
    .getByRole('button', { name: /^Delete / })
    .first()
    .click();
  await expect(after.getByText(/interrupted after/)).toHaveCount(0);
});
