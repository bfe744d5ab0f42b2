import { expect, expectAccessible, test } from './support/app';

test('a link with unknown values: reported, and the page works', async ({ app }) => {
  await app.goto('./#/distill?preset=nope&theme=pink&question=held-out-999999');
  const alert = app.getByRole('alert');
  await expect(alert).toContainText('unknown place "distill"');
  await expect(alert).toContainText('unknown preset "nope"');
  await expect(alert).toContainText('"held-out-999999" could not be opened');
  await expect(app.getByRole('heading', { name: /^Base: / })).toBeVisible({ timeout: 60_000 });
  await expectAccessible(app);
  await app.getByRole('button', { name: 'Dismiss' }).click();
  await expect(alert).toBeHidden();
});

test('a truncated checkpoint: the file is named, and a second attempt succeeds', async ({
  page: app,
  complaints,
}) => {
  complaints.allow(/./);
  let cut = true;
  await app.route('**/models/teacher/model.safetensors', async (route) => {
    if (!cut) return route.continue();
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.body()).subarray(0, 1000) });
  });
  await app.goto('./#/model');
  const alert = app.getByRole('alert');
  await expect(alert).toContainText('The bundled pair was not loaded', { timeout: 60_000 });
  await expect(alert).toContainText('model.safetensors');
  await expectAccessible(app);
  cut = false;
  await app.getByRole('button', { name: 'Try again' }).click();
  await expect(app.getByRole('heading', { name: /^Base: / })).toBeVisible({ timeout: 60_000 });
});

test('K = 0, a seed that is not a number, a question without tokens: reported beside the field', async ({
  app,
}) => {
  await expect(app.getByRole('heading', { name: /^Base: / })).toBeVisible({ timeout: 60_000 });
  await app.getByRole('tab', { name: 'Distil' }).click();
  await app.getByLabel(/^Seed/).fill('one');
  await expect(app.getByText(/“one” is not a number/)).toBeVisible();
  await expect(app.getByRole('button', { name: 'Start LoRi' })).toBeDisabled();
  await app.getByRole('tab', { name: 'Latents' }).click();
  await app.getByRole('textbox', { name: /^Latent steps/ }).fill('0');
  await expect(app.getByText(/K must be a whole number/)).toBeVisible();
  await app.getByRole('textbox', { name: /^Latent steps/ }).fill('5');
  await app.getByRole('button', { name: 'Open question' }).click();
  await expect(app.getByRole('alert')).toContainText('The question was not opened');
});

test('case 17: words that the model does not know are named, before and beside the answer', {
  tag: '@slow',
}, async ({ app }) => {
  await expect(app.getByRole('heading', { name: /^Base: / })).toBeVisible({ timeout: 60_000 });
  await app.getByRole('tab', { name: 'Latents' }).click();
  for (const [question, unknown] of [
    [
      'Sarah has 120 marbles and gives 35 of them to her brother. How many marbles does Sarah have?',
      /“brother”/,
    ],
    ['Tom has 1,200 apples. How many apples are left?', /“200”/],
    ['tom has 12 apples. How many apples are left?', /“tom”/],
  ] as const) {
    await app.getByRole('textbox', { name: 'Text' }).fill(question);
    const said = app.getByRole('status').filter({ hasText: 'does not know' });
    await expect(said.filter({ hasText: unknown })).toHaveCount(1);
  }
  await app.getByRole('textbox', { name: 'Text' }).fill('tom has 1,200 apples. How many apples are left?');
  const unknown = /does not know “tom”, “,”?.*“200”/;
  await expect(app.getByRole('status').filter({ hasText: unknown })).toHaveCount(1);
  await app.getByText(/^\d+ tokens of 256 positions$/).click();
  await expect(app.getByRole('listitem').filter({ hasText: '<unk>' }).first()).toContainText('tom');
  await app.getByRole('button', { name: 'Open question' }).click();
  await expect(app.getByRole('status').filter({ hasText: unknown })).toHaveCount(2);
  await expectAccessible(app);
  // A question of the data set has none.
  await app.getByRole('button', { name: /Held-out problem/ }).click();
  await app.getByRole('option', { name: 'held-out-0' }).click();
  await expect(app.getByText(/does not know/)).toHaveCount(0);
});

test('no WebGPU and no storage: WASM is used, with the reason, and nothing is lost silently', async ({
  page: app,
}) => {
  await app.addInitScript(() => {
    Object.defineProperty(navigator, 'gpu', { value: undefined });
    Object.defineProperty(window, 'indexedDB', {
      get: () => {
        throw new DOMException('The operation is insecure.', 'SecurityError');
      },
    });
  });
  await app.goto('./#/model');
  await expect(app.getByText(/Nothing can be stored in this browser/)).toBeVisible();
  await expect(app.getByRole('heading', { name: /^Base: / })).toBeVisible({ timeout: 60_000 });
  await app.getByRole('button', { name: 'Dismiss' }).click();
  await expect(app.getByText(/Nothing can be stored/)).toBeHidden();
});

test('an engine that stops is noticed, and a new one loads the pair again', { tag: '@slow' }, async ({
  app,
}) => {
  await expect(app.getByRole('heading', { name: /^Base: / })).toBeVisible({ timeout: 60_000 });
  const [engine] = app.workers();
  await engine?.evaluate(() => (globalThis as unknown as { close(): void }).close()).catch(() => {});
  await expect(app.getByRole('alert')).toContainText('The engine has stopped');
  await app.getByRole('button', { name: 'Restart the engine' }).click();
  await expect(app.getByRole('heading', { name: /^Base: / })).toBeVisible({ timeout: 60_000 });
});

const WIDTHS = [360, 1280, 1920];
const PLACES = ['Tour', 'Model', 'Data', 'Low-rank', 'Generate', 'Distil', 'Latents', 'Arena'];

for (const theme of ['light', 'dark']) {
  test(`accessible and without sideways scrolling at ${WIDTHS.join(', ')} pixels, ${theme}`, {
    tag: '@slow',
  }, async ({ page: app }) => {
    await app.goto(`./#/model?theme=${theme}`);
    await expect(app.getByRole('heading', { name: /^Base: / })).toBeVisible({ timeout: 60_000 });
    expect(await app.evaluate(() => document.documentElement.dataset.theme)).toBe(theme);
    for (const width of WIDTHS) {
      await app.setViewportSize({ width, height: 844 });
      for (const name of PLACES) {
        await app.getByRole('tab', { name }).click();
        await expectAccessible(app);
        const over = await app.evaluate(
          () =>
            document.querySelector('main')!.getBoundingClientRect().right -
            document.documentElement.clientWidth,
        );
        const at = `${name} at ${width}`;
        expect(over, at).toBeLessThanOrEqual(0);
        expect(await app.evaluate(() => document.documentElement.scrollWidth), at).toBeLessThanOrEqual(width);
      }
    }
  });
}
