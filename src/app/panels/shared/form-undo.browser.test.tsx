import { expect, it } from 'vitest';
import { type Locator, page, userEvent } from 'vitest/browser';
import { mounting } from '../../mount.testing';
import { ArenaPanel } from '../arena/ArenaPanel';
import { DistilPanel } from '../distil/DistilPanel';

const mount = mounting();
const undo = () => userEvent.keyboard('{Control>}z{/Control}');
const redo = () => userEvent.keyboard('{Control>}{Shift>}z{/Shift}{/Control}');
const focus = (found: Locator) => (found.element() as HTMLElement).focus();

it('Distil: settings are undone by key from the weights too, and what was no number comes back as an empty field', async () => {
  const app = mount(<DistilPanel />, {}, '#/distil');
  const { draft } = app.store.getState();
  const seed = page.getByRole('textbox', { name: 'Seed', exact: true });
  await seed.fill('none');
  focus(page.getByRole('textbox', { name: /^Weight of/ }).first());
  await undo();
  await expect.element(seed).toHaveValue(String(draft.seed));
  focus(seed);
  await redo();
  await expect.element(seed).toHaveValue('');
  await expect.element(page.getByText('A number is expected; the field is empty.')).toBeVisible();
});

it('Arena: the form is undone by key and button', async () => {
  const app = mount(<ArenaPanel />, {}, '#/arena');
  app.actions.addDraftToArena();
  await expect
    .element(page.getByText(/^The address names presets.* 1 contender is in no link/))
    .toBeVisible();
  // Not from a text, of which the browser has its own undo.
  focus(page.getByRole('checkbox').first());
  await undo();
  await expect.element(page.getByText(/^The address names presets/)).not.toBeInTheDocument();
  await page.getByRole('button', { name: 'Redo', exact: true }).click();
  await expect.element(page.getByText(/^The address names presets/)).toBeVisible();
});
