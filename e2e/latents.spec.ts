import type { Page } from '@playwright/test';
import { expect, expectAccessible, test } from './support/app';

const press = (app: Page, name: string | RegExp) => app.getByRole('button', { name, exact: true }).click();
const branches = (app: Page) => app.getByRole('list', { name: 'Branches' }).getByRole('listitem');

test('thoughts of the base are stepped through, changed on branches, and reopened from a link', {
  tag: '@slow',
}, async ({ app }) => {
  await test.step('stepping, by buttons and keys, with a breakpoint', async () => {
    await app.goto('./#/latents?question=held-out-3');
    await expect(app.getByText(/Zoe|nuts|How/).first()).toBeVisible({ timeout: 60_000 });
    await press(app, 'Open question');
    await expect(app.getByText(/0 of \d latent thoughts made/)).toBeVisible({ timeout: 60_000 });
    await press(app, 'Breakpoint at z2');
    await app.keyboard.press('Shift+ArrowRight');
    await expect(app.getByText(/2 of \d latent thoughts made/)).toBeVisible();
    await expect(app.getByRole('heading', { name: 'Fed as z2' })).toBeVisible();
    await app.keyboard.press('ArrowLeft');
    await expect(app.getByRole('heading', { name: 'Fed as z1' })).toBeVisible();
    await press(app, 'All, then answer');
    await expect(app.getByRole('heading', { name: 'Student, latent' })).toBeVisible();
  });

  await test.step('the logit lens: a layer’s words at a thought', async () => {
    await app.getByRole('button', { name: /^Layer 2, z3: / }).click();
    await expect(app.getByRole('heading', { name: /^Layer 2 of \d, at z3$/ })).toBeVisible();
    await expect(app).toHaveURL(/step=3&layer=2$/);
    await expect(app.getByText(/Not compared: the teacher has not reasoned/)).toBeVisible();
    await press(app, 'Explicit chain of thought');
    await expect(app.getByText(/‖h − t‖\/‖t‖ /)).toBeVisible({ timeout: 60_000 });
    await app.getByText('Token by token').click();
    await expect(app.locator('.chain li').first()).toBeVisible();
    await expect(app.getByRole('figure', { name: 'Attention of the thoughts' })).toBeVisible();
  });

  await test.step('a branch: zero, then one more on it; undo and redo', async () => {
    await app.getByRole('button', { name: 'z1', exact: false }).first().click();
    await press(app, 'Try on a branch');
    await expect(app.getByRole('heading', { name: 'What the branch changed' })).toBeVisible();
    await expect(branches(app)).toHaveCount(2);
    await expect(app.getByText(/KL at the first token [\d.e−]+ nats/)).toBeVisible();
    await app.getByText('Write them as text').click();
    await app.getByRole('textbox', { name: 'Interventions' }).fill('z2@residual.2:blur');
    await expect(app.getByText(/"blur"; one of zero, noise/)).toBeVisible();
    await app.getByRole('textbox', { name: 'Interventions' }).fill('z2@residual.2:scale(0.5)');
    await press(app, 'Try these');
    await expect(branches(app)).toHaveCount(3);
    await app.getByRole('textbox', { name: 'Name of this branch' }).fill('halved');
    await expect(branches(app).nth(2)).toContainText('halved');
    await press(app, 'Undo');
    await press(app, 'Undo');
    await expect(branches(app).nth(0).locator('[aria-current]')).toBeVisible();
    await press(app, 'Redo');
    await press(app, 'Redo');
    await expect(branches(app).nth(2).locator('[aria-current]')).toBeVisible();
    await expectAccessible(app);
  });

  await test.step('an intervention after the last use changes nothing, to the bit', async () => {
    await branches(app).nth(0).getByRole('button').first().click();
    await app.getByRole('textbox', { name: 'Interventions' }).fill('z5@residual.5:zero');
    await press(app, 'Try these');
    await expect(app.getByText('Nothing: both distributions are the same to the bit.')).toBeVisible();
  });

  await test.step('a token of the question and one of the prompt are changed', async () => {
    await branches(app).nth(0).getByRole('button').first().click();
    const form = app.getByRole('region', { name: 'Intervene' });
    await form.getByRole('button', { name: /^a thought Of|Of a thought/ }).click();
    await app.getByRole('option', { name: 'a token of the question' }).click();
    await press(app, 'Try on a branch');
    await expect(branches(app)).toHaveCount(5);
    await expect(app.getByText(/KL at the first token [\d.e−]+ nats/)).toBeVisible();
    await expect(app).toHaveURL(/do=q\d+%3Azero/);
    await app.getByRole('textbox', { name: 'Interventions' }).fill('p1@mlp.out.1:noise(3)');
    await press(app, 'Try these');
    await expect(branches(app)).toHaveCount(6);
    await expect(branches(app).nth(5)).toContainText('p1@mlp.out.1:noise(3)');
    await app.getByRole('textbox', { name: 'Interventions' }).fill('p99:zero');
    await press(app, 'Try these');
    await expect(app.getByText(/^token 99 of the answer’s prompt, which has \d+$/)).toBeVisible();
    await expect(branches(app)).toHaveCount(6);
  });

  await test.step('what cannot be done is said, and no branch is left', async () => {
    await app.getByRole('textbox', { name: 'Interventions' }).fill('z1@residual.9:zero');
    await press(app, 'Try these');
    await expect(app.getByText('layer 9; the model has layers 1 to 5', { exact: true })).toBeVisible();
    await expect(branches(app)).toHaveCount(6);
  });

  await test.step('a link to the moment shows the same again', async () => {
    await branches(app).nth(2).getByRole('button').first().click();
    await app.getByRole('button', { name: /^Layer 3, z2: / }).click();
    await expect(app).toHaveURL(/do=z1%3Azero%3Bz2@residual.*&step=2&layer=3$/);
    const shown = async () =>
      (await app.getByRole('region', { name: 'What a layer says' }).textContent()) ?? '';
    const [link, before] = [app.url(), await shown()];
    await app.goto('about:blank');
    await app.goto(link);
    await expect(app.getByRole('heading', { name: /^Layer 3 of \d, at z2$/ })).toBeVisible({
      timeout: 60_000,
    });
    await expect(app.getByText(/^Nearest rationale token/)).toHaveCount(0);
    const words = (text: string) => text.split('Teacher')[0]?.split('Nearest')[0];
    expect(words(await shown())).toBe(words(before));
    await expect(app.getByRole('heading', { name: 'What the branch changed' })).toBeVisible();
  });

  await test.step('problems are evaluated, and one of them is looked at and stepped through', async () => {
    const form = app.getByRole('form', { name: 'Evaluation' });
    await form.getByRole('button', { name: /Who answers/ }).click();
    await app.getByRole('option', { name: /^Base, before distillation/ }).click();
    await form.getByRole('textbox', { name: /^Number of problems/ }).fill('8');
    await press(app, 'Evaluate');
    await expect(app.getByText('8 of 8 answers')).toBeVisible({ timeout: 60_000 });
    await app.getByRole('textbox', { name: 'Search the answers' }).fill('held-out-5');
    await expect(app.getByText('1 of 8 answers')).toBeVisible();
    await press(app, 'Step through held-out-5');
    await expect(app).toHaveURL(/question=held-out-5/);
    await expect(app.getByText(/0 of \d latent thoughts made/)).toBeVisible({ timeout: 60_000 });
    await expectAccessible(app);
    await app.reload();
    await expect(app.getByText('8 of 8 answers')).toBeVisible({ timeout: 60_000 });
  });

  await test.step('the thoughts of the base are tested, with a verdict and its figures', async () => {
    const form = app.getByRole('form', { name: 'Test of the thoughts' });
    await form.getByRole('button', { name: /Student/ }).click();
    await app.getByRole('option', { name: /^Base, before distillation/ }).click();
    await form.getByRole('textbox', { name: /^Number of problems/ }).fill('4');
    await form.getByRole('textbox', { name: /^Directions kept/ }).fill('2');
    await press(app, 'Test the thoughts');
    const card = app.getByRole('region', { name: 'Do the thoughts matter?' });
    await expect(card.getByText(/^With its \d thoughts the student gets \d/)).toBeVisible({
      timeout: 60_000,
    });
    await expect(card.getByRole('row', { name: /^as they are 4 / })).toBeVisible();
    await expect(card.getByRole('row', { name: /^no thoughts 4 / })).toBeVisible();
    await expectAccessible(app);
  });

  await test.step('a link to a student that is not here says so', async () => {
    await app.goto('./#/latents?question=held-out-3&student=trained&run=0123456789ab&of=LoRi&k=4&step=2');
    await expect(
      app.getByText(/LoRi \(0123456789ab…\), which is not here\. Load its run bundle in Distil/),
    ).toBeVisible({ timeout: 60_000 });
    await expectAccessible(app);
  });
});
