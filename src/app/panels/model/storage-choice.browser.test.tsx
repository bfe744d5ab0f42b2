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

it('keeps the opened model in 8 bits when asked, and says what that changes', async () => {
  const app = mount(<Shown />);
  await app.actions.openDevice();
  await app.actions.openCheckpoint([{ name: 'config.json', data: new Blob(['{}']) }]);
  const choice = (name: string) => page.getByRole('radio', { name });
  await expect.element(choice('float32')).toBeChecked();
  await choice('8 bits, by blocks of 32').click({ force: true });
  await expect.element(choice('8 bits, by blocks of 32')).toBeChecked();
  expect(app.store.getState().lens.opened.value).toMatchObject({ name: 'stories', storage: 'int8' });
  await page.getByRole('button', { name: 'Measure what 8 bits change' }).click();
  await expect
    .element(page.getByRole('status'))
    .toHaveTextContent(
      'Hidden states of 32 tokens differ by 0.61 % of their norm, most in layer 6 (0.98 %). Matrices of the layers 1, 3, 6 differ by 0.44 %.',
    );
  const row = page.getByRole('row').nth(4);
  await expect.poll(() => row.element().textContent).toBe('99 %19.5201 of 6, by at most 1');
});
