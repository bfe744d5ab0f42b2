import { expect, it, vi } from 'vitest';
import { page } from 'vitest/browser';
import { mounting } from '../mount.testing';
import { Formula } from './Formula';

vi.mock('katex', () => {
  throw new TypeError('Failed to fetch dynamically imported module');
});

const mount = mounting();

it('is its TeX where KaTeX cannot be fetched', async () => {
  mount(<Formula tex={'\\alpha'} />);
  await expect.element(page.getByText('\\alpha')).toBeVisible();
});
