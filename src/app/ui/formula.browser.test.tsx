import { expect, it } from 'vitest';
import { mounting } from '../mount.testing';
import { Formula } from './Formula';

const mount = mounting();

it('is set once KaTeX has come, with MathML for screen readers', async () => {
  mount(
    <>
      <Formula tex={'\\alpha'} />
      <Formula tex={'\\frac{1}{L}'} display />
    </>,
  );
  await expect.poll(() => document.querySelectorAll('.katex math').length).toBe(2);
  expect(document.querySelector('.formula-inline annotation')?.textContent).toBe('\\alpha');
  expect(document.querySelector('.formula .katex-display')).not.toBeNull();
});
