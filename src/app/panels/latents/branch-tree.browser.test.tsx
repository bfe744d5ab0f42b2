import { expect, it, vi } from 'vitest';
import { page } from 'vitest/browser';
import { mounting } from '../../mount.testing';
import { BranchTree } from './BranchTree';

const mount = mounting();

it('copies a link to what is shown now, whatever the address says by then', async () => {
  const written = vi.spyOn(navigator.clipboard, 'writeText').mockResolvedValue();
  const { actions } = mount(<BranchTree />);
  await actions.loadPair();
  actions.goTo('latents');
  actions.typeQuestion('1 + 1');
  await actions.openQuestion();
  actions.showLayer(2);
  await page.getByRole('button', { name: 'Copy link to this moment' }).click();
  expect(written).toHaveBeenCalledOnce();
  const copied = new URL(written.mock.calls[0]?.[0] as string);
  expect(copied.origin + copied.pathname).toBe(window.location.origin + window.location.pathname);
  expect(copied.hash).toMatch(/^#\/latents\?question=1\+%2B\+1&student=base&.*&layer=2$/);
});
