import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { mounting } from '../../../mount.testing';
import { ExportGroup } from './ExportGroup';

const mount = mounting();

it('writes the layers above, or those of the file, of which 0 may be one', async () => {
  const { actions, store } = mount(<ExportGroup />);
  await actions.start(true);
  await page.getByRole('button', { name: /^Export/ }).click();
  const layers = page.getByLabelText('Layers of the file');
  const save = page.getByRole('button', { name: 'Save as .npy' });
  const written = async (): Promise<string | undefined> => {
    await save.click();
    await expect.poll(() => store.getState().lens.file.status).toBe('done');
    return store.getState().lens.file.value?.name;
  };
  expect(await written()).toBe('made-up-teacher.npy');
  await layers.fill('0, 2');
  await expect.element(save).toBeEnabled();
  expect(await written()).toBe('made-up-teacher.npy');
  await layers.fill('first');
  await expect.element(layers).toHaveAttribute('aria-invalid', 'true');
  await expect.element(save).toBeDisabled();
});
