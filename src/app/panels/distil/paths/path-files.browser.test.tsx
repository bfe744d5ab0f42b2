import { afterEach, expect, it, vi } from 'vitest';
import { page } from 'vitest/browser';
import { mounting } from '../../../mount.testing';
import { savedBy } from '../../../saved-file.testing';
import { MethodCard } from './MethodCard';

const mount = mounting();
afterEach(() => {
  vi.restoreAllMocks();
  delete document.documentElement.dataset.theme;
});

const saved = (format: string) =>
  savedBy(page.getByRole('button', { name: `Paths of LoRi: save as ${format}` }));

/** The image's colours, `r,g,b`, at two pixels for each of its own. */
async function coloursOf(
  file: Blob,
): Promise<{ readonly width: number; readonly at: (x: number, y: number) => string }> {
  const image = await createImageBitmap(file);
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
  context.drawImage(image, 0, 0);
  return {
    width: image.width,
    at: (x, y) => [...context.getImageData(x, y, 1, 1).data.slice(0, 3)].join(','),
  };
}

/** A colour of the page's style sheets as `r,g,b`. */
const colourOf = (element: Element, property: 'fill' | 'stroke') =>
  getComputedStyle(element)[property].replace(/[^\d,]/g, '');

it.each(['light', 'dark'])(
  'the drawing of the paths is an image that looks as it does on the page: %s',
  async (theme) => {
    document.documentElement.dataset.theme = theme;
    mount(<MethodCard isDisabled={false} />, {}, `#/distil?preset=lori-paper-128&theme=${theme}`);
    await expect.element(page.getByRole('img', { name: 'Paths of LoRi' })).toBeVisible();
    const drawing = document.querySelector('.path-scroller svg') as SVGSVGElement;
    const box = drawing.querySelector('.path-box.latents') as SVGRectElement;
    const mark = drawing.querySelector('.path-mark circle') as SVGCircleElement;

    const { name, file } = await saved('SVG');
    expect(name).toBe('paths-lori.svg');
    const text = await file.text();
    const image = new DOMParser().parseFromString(text, 'image/svg+xml').documentElement;
    expect(image.querySelector('parsererror')).toBeNull();
    // All of it, with what its numbers are; nothing is left to a style sheet that is not there.
    expect(image.querySelectorAll('rect[rx]')).toHaveLength(drawing.querySelectorAll('rect').length);
    expect(image.textContent).toContain('Paths of LoRi');
    expect(image.textContent).toMatch(/1 covariance, 2 mean, 3 anchor, .*Solgi/s);
    expect(text).not.toMatch(/class=|var\(/);

    const png = await saved('PNG');
    expect(png.name).toBe('paths-lori.png');
    const { width, at } = await coloursOf(png.file);
    expect(width).toBe(2 * Number(image.getAttribute('width')));
    // Two pixels for one, below a title of 34.
    const place = (x: number, y: number) => at(Math.round(2 * x), Math.round(2 * (y + 34)));
    const [x, y] = [box.x.baseVal.value, box.y.baseVal.value];
    expect(place(x + 16, y + 5)).toBe(colourOf(box, 'fill'));
    const [cx, cy, r] = [mark.cx, mark.cy, mark.r].map(({ baseVal }) => baseVal.value) as [
      number,
      number,
      number,
    ];
    expect(place(cx - r / 2 - 2, cy - 3)).toBe(colourOf(mark, 'fill'));
  },
);

it('its terms are a table', async () => {
  mount(<MethodCard isDisabled={false} />, {}, '#/distil?preset=lori-paper-128');
  const { name, file } = await saved('CSV');
  expect(name).toBe('paths-lori.csv');
  const [head, first] = (await file.text()).split('\n');
  expect(head).toBe('number,term,weight,where');
  expect(first).toMatch(/^1,covariance,[\d.]+,"On the reasoning of the .*, against the teacher.*\."$/);
});
