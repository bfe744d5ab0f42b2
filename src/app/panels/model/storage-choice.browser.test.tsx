import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { mounting } from '../../mount.testing';
import { useApp } from '../../store/use-app';
import { StorageChoice } from './StorageChoice';

const mount = mounting();

function Shown() {
  const model = useApp((state) => state.lens.opened.value);
  return model && <StorageChoice model={model} />;
}

it('keeps the opened model in fewer bits when asked, and says what that changes', async () => {
  const app = mount(<Shown />);
  await app.actions.openDevice();
  await app.actions.openCheckpoint([{ name: 'config.json', data: new Blob(['{}']) }]);
  const choice = (name: string) => page.getByRole('radio', { name });
  await expect.element(choice('float32')).toBeChecked();
  for (const [name, storage] of [
    ['16 bits', 'half'],
    ['4 bits, by blocks of 32', 'int4'],
    ['8 bits, by blocks of 32', 'int8'],
  ] as const) {
    await choice(name).click({ force: true });
    await expect.element(choice(name)).toBeChecked();
    expect(app.store.getState().lens.opened.value).toMatchObject({ name: 'stories', storage });
  }
  await page.getByRole('button', { name: 'Measure what fewer bits change' }).click();
  await expect
    .element(page.getByRole('status'))
    .toHaveTextContent(
      'Errors are relative to float32: of hidden states of 32 tokens, and of the matrices of the layers 1, 3, 6. In 4 bits 10 % of the values become zero.',
    );
  const rowText = (n: number) => page.getByRole('row').nth(n).element().textContent;
  await expect.poll(() => rowText(3)).toBe('4 bits7.1 %11 %6: 14 %1 of 24 differs, by at most 1');
  await expect
    .poll(() => rowText(8))
    .toBe('99 %19.519.5, none differs19.5, none differs20, 1 of 6 differs, by at most 1');
});
