import { describe, expect, it, vi } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { mounting } from '../../mount.testing';
import { type DoubleOptions, engineError } from '../../workbench.testing';
import { GeneratePanel } from './GeneratePanel';

const mount = mounting();

function show(options: DoubleOptions = {}, hash = '#/generate?side-by-side=2&temperature=0.8') {
  return mount(<GeneratePanel />, options, hash);
}

const button = (name: string | RegExp) => page.getByRole('button', { name });
const text = (what: string | RegExp) => page.getByText(what).first();

describe('the place Generate', () => {
  it('shows samples side by side, their tokens by pointer, keys and table, and copies them', async () => {
    show();
    await expect.element(text(/Type a prompt and press Generate/)).toBeVisible();
    await button('Generate').click();
    await expect.element(text('The model ended the text.')).toBeVisible();
    await expect
      .element(text(/By the teacher \(made up\), τ 0.8, seed 1, \d+ tokens of prompt/))
      .toBeVisible();
    await expect.element(text('12.5')).toBeVisible();
    await expect.element(page.getByRole('heading', { name: 'Sample 2' })).toBeVisible();
    expect(document.querySelector('.sample-text')?.textContent).toContain('does Tom have now? Tom has 15');

    await page.getByRole('radio', { name: 'Tokens' }).click();
    const list = page.getByRole('listbox', { name: 'Tokens of sample 1' });
    (list.element() as HTMLElement).focus();
    await userEvent.keyboard('{ArrowRight}');
    await expect
      .element(text(/Token 2: .*has, id 1\. The model gave it 81\.9 % .* drawn with 50\.0 %/))
      .toBeVisible();
    const chosen = list.element().getAttribute('aria-activedescendant');
    expect(document.getElementById(chosen ?? '')?.getAttribute('aria-selected')).toBe('true');
    await userEvent.hover(page.getByRole('option', { name: /15/ }).first());
    await expect.element(text(/Token 3: .*15, id 2/)).toBeVisible();
    await page.getByText('Tokens of sample 1 as a table').click();
    await expect.element(page.getByRole('cell', { name: '81.9 %' }).first()).toBeVisible();

    const write = vi.spyOn(navigator.clipboard, 'writeText').mockResolvedValue();
    await button('Copy the text of sample 2').click();
    await expect.element(text('Copied.')).toBeVisible();
    expect(write.mock.calls[0]?.[0]).toContain('apples');
    write.mockRestore();
  });

  it('undoes settings by key and button, and leaves the prompt to the browser', async () => {
    const app = show();
    const { draft } = app.store.getState().generation;
    await userEvent.fill(page.getByRole('textbox', { name: /^Top-k/ }), '40');
    await userEvent.fill(page.getByRole('textbox', { name: /^Text/ }), 'Once');
    await userEvent.keyboard('{Control>}z{/Control}');
    expect(app.store.getState().generation.draft.settings.topK).toBe(40);
    await userEvent.fill(page.getByRole('textbox', { name: /^Text/ }), 'Twice');
    await userEvent.click(page.getByRole('textbox', { name: /^Temperature/ }));
    await userEvent.keyboard('{Control>}z{/Control}');
    expect(app.store.getState().generation.draft).toEqual({ ...draft, prompt: 'Twice' });
    await userEvent.click(button('Redo'));
    await expect.element(page.getByRole('textbox', { name: /^Top-k/ })).toHaveValue('40');
  });

  it('stops, keeps what has come, and says what is wrong with a field', async () => {
    show({ pace: 25 });
    await button('Generate').click();
    await expect.element(text(/does Tom have now\?\s*Tom has/), { timeout: 15_000 }).toBeVisible();
    await button('Stop').click();
    await expect.element(text('Stopped.')).toBeVisible();
    expect(document.querySelector('.sample-text')?.textContent).toContain('Tom has');
    await page.getByRole('textbox', { name: /^Top-p/ }).fill('3');
    await expect.element(text(/Top-p: a number, more than 0, at most 1, is expected/)).toBeVisible();
    await expect.element(button('Generate')).toBeDisabled();
  });

  it('says why nothing was generated, and what to do', async () => {
    show({
      failures: { generate: engineError('input', 'the prompt has 900 tokens', 'Shorten the prompt.') },
    });
    await button('Generate').click();
    const alert = page.getByRole('alert');
    await expect.element(alert).toMatchTextContent(/900 tokens.*What to do: Shorten the prompt/);
    await expect.element(button('Try again')).toBeVisible();
  });
});
