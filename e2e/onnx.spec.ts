import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, expectAccessible, test } from './support/app';
import { exportedModel } from './support/export';

/** Figure 6 of the bundled teacher, computed with numpy and scipy in float64: scripts/goldens/lens. */
interface Golden {
  readonly problems: readonly { readonly id: string }[];
  readonly rationale: { readonly bySample: readonly { readonly energyRanks: readonly number[] }[] };
}

test('the teacher as an ONNX export from a folder: its figure 6 is scipy’s, it generates, and the causal test refuses it', {
  tag: '@slow',
}, async ({ page: app }) => {
  const folder = await exportedModel('teacher', { form: 'genai', externalFrom: 4096 });
  const path = new URL('../src/engine/session/lens/figure6-pair.golden.json', import.meta.url);
  const golden = JSON.parse(await readFile(fileURLToPath(path), 'utf8')) as Golden;
  const ids = golden.problems.map(({ id }) => id);

  await test.step('it opens, and says what it is', async () => {
    await app.goto(`./#/lowrank?ids=${ids.join(',')}`);
    await app.getByRole('tab', { name: 'Model', exact: true }).click();
    await app.getByRole('tab', { name: 'Your files' }).click();
    await app.locator('.model-drop input[type=file]').nth(0).setInputFiles(folder);
    await expect(app.getByText(/^\d × 128$/).first()).toBeVisible({ timeout: 60_000 });
    await expect(app.getByRole('heading', { name: 'Opened: model.onnx' })).toBeVisible();
    await expect(
      app.getByText(/^This is an ONNX export: .* allows neither training nor interventions/),
    ).toBeVisible();
    await expectAccessible(app);
  });

  await test.step('the lens', async () => {
    await app.getByRole('button', { name: 'See its hidden states' }).click();
    await app.getByRole('button', { name: 'Decompose', exact: true }).click();
    const table = app.getByRole('table', { name: 'All spectra' });
    await expect(app.getByText(/samples of opened/)).toBeVisible({ timeout: 60_000 });
    const rows = await table
      .getByRole('row')
      .filter({ hasText: /train-|held-out-/ })
      .all();
    const ranks = await Promise.all(
      rows.map(async (row) => (await row.getByRole('cell').allInnerTexts()).slice(-6, -2).map(Number)),
    );
    expect(ranks).toEqual(golden.rationale.bySample.map(({ energyRanks }) => energyRanks));
  });

  await test.step('it continues a prompt as the safetensors of the same model do', async () => {
    await app.getByRole('tab', { name: 'Generate' }).click();
    const generated = async (model: string) => {
      await app.getByRole('button', { name: 'Generate', exact: true }).click();
      await expect(app.getByText(new RegExp(`^By the ${model} \\(`))).toBeVisible({ timeout: 60_000 });
      await expect(app.getByText('The model ended the text.')).toBeVisible({ timeout: 60_000 });
      return app.locator('.sample-text').textContent();
    };
    // The place takes the model that was opened last.
    const own = await generated('opened model');
    expect(own).toMatch(/How many apples does Tom have now\?.*\d/);
    await app.getByRole('button', { name: /model\.onnx/ }).click();
    await app.getByRole('option', { name: 'Teacher' }).click();
    expect(await generated('teacher')).toBe(own);
  });

  await test.step('the causal test', async () => {
    await app.getByRole('tab', { name: 'Low-rank' }).click();
    await app.getByRole('tab', { name: 'Causal test', exact: true }).click();
    const form = app.getByRole('form', { name: 'Causal test' });
    await form.getByRole('button', { name: /^Teacher/ }).click();
    await app.getByRole('option', { name: /model\.onnx/ }).click();
    await form.getByRole('button', { name: 'Run the causal test' }).click();
    await expect(app.getByText(/^What to do: Open the safetensors of the same model/)).toBeVisible({
      timeout: 60_000,
    });
    await expectAccessible(app);
  });
});
