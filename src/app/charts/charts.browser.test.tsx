import '../ui/base.css';
import '../ui/kit.css';
import type { ReactElement } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { savedBy } from '../saved-file.testing';
import { CsvButton } from '../ui/CsvButton';
import { ByLayer, Controls, Energy, Lines, Ranks, Walks } from './gallery.testing';
import { hoverLink } from './link';

let root: Root | undefined;
// Only what can be seen is drawn.
beforeEach(() => page.viewport(1280, 2600));
afterEach(() => {
  vi.restoreAllMocks();
  root?.unmount();
  document.body.replaceChildren();
});

function show(children: ReactElement) {
  const place = document.createElement('div');
  document.body.append(place);
  root = createRoot(place);
  root.render(children);
}

interface Drawn extends HTMLDivElement {
  readonly data: readonly {
    readonly type: string;
    readonly name: string;
    readonly uid?: string;
    readonly x: readonly number[];
  }[];
  readonly layout: {
    readonly shapes?: readonly { readonly path: string; readonly y0: number }[];
    readonly scene?: { readonly camera: { readonly eye: { readonly x: number } } };
  };
}
const drawings = () => [...document.querySelectorAll<Drawn>('.plot')];
const drawn = () =>
  expect.poll(() => drawings().length > 0 && !document.querySelector('.plot-loading')).toBe(true);
const button = (name: string) => page.getByRole('button', { name });

async function saved(name: string): Promise<{ name: string; text: string }> {
  const { name: file, file: content } = await savedBy(button(name));
  return { name: file, text: await content.text() };
}

describe('without WebGL', () => {
  it('says so where 3-D is asked for, and draws two directions', async () => {
    const get = HTMLCanvasElement.prototype.getContext;
    vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockImplementation(function (
      this: HTMLCanvasElement,
      ...args: unknown[]
    ) {
      return String(args[0]).includes('webgl') ? null : get.apply(this, args as never);
    } as never);
    show(<Walks theme="light" link={hoverLink()} />);
    await page.getByRole('radio', { name: '3-D' }).click();
    await expect.element(page.getByText(/3-D could not be shown: .*no WebGL/)).toBeVisible();
    await expect.element(page.getByRole('radio', { name: '1–2', checked: true })).toBeVisible();
    await drawn();
    expect(drawings()[0]!.data[0]!.type).toBe('scatter');
  });
});

describe('charts that share a link', () => {
  it('highlight the same sample and layer, each in its way, and go back', async () => {
    const link = hoverLink();
    show(
      <>
        <Lines theme="light" link={link} />
        <Energy theme="light" link={link} columns={6} />
        <Walks theme="dark" link={link} />
      </>,
    );
    await expect.poll(() => drawings().length).toBe(3);
    await drawn();
    const [lines, cells, points] = drawings() as [Drawn, Drawn, Drawn];
    const opacities = () =>
      lines.data
        .filter(({ uid }) => uid?.includes('line'))
        .map(({ name, uid }) => {
          const trace = lines.querySelector(`.trace${uid}`)!;
          return `${name} ${getComputedStyle(trace).opacity}`;
        });

    link.hold('train-2');
    await expect.poll(opacities).toContain('train-3 0.25');
    expect(opacities()).toContain('train-2 1');
    expect(opacities()).toContain('gaussian 1');
    await expect.poll(() => points.layout.shapes?.length).toBe(2);
    expect(points.layout.shapes![1]!.path.match(/M/g)).toHaveLength(16); // twelve tokens and four thoughts

    link.hold('layer 3');
    await expect.poll(() => cells.layout.shapes?.[0]?.y0).toBe(1.5);
    await expect.poll(opacities).toContain('train-3 1');
    await expect.poll(() => points.layout.shapes).toEqual([]);

    // The mouse on a point of one chart reaches the others and outranks what is held.
    const marker = points.querySelector('.scatterlayer .trace .points path')!.getBoundingClientRect();
    const box = points.getBoundingClientRect();
    await userEvent.hover(points, {
      position: { x: marker.x + marker.width / 2 - box.x, y: marker.y + marker.height / 2 - box.y },
    });
    await expect.poll(() => link.key()).toMatch(/^train-/);
    await userEvent.unhover(points);
    await expect.poll(() => link.key()).toBe('layer 3');
  });
});

it('a layer is highlighted in the points of lines', async () => {
  const link = hoverLink();
  show(<ByLayer theme="light" link={link} />);
  await drawn();
  link.point('layer 2');
  const shapes = () => drawings()[0]!.layout.shapes?.map(({ path }) => path);
  await expect.poll(shapes).toEqual(['M2,3L2,3M2,30L2,30']);
  link.point(null);
  await expect.poll(shapes).toEqual([]);
});

describe('by keyboard', () => {
  it('a slider steps and says its value', async () => {
    show(<Controls />);
    const slider = page.getByRole('slider', { name: /Rank/ });
    await expect.element(slider).toBeInTheDocument();
    (slider.element() as HTMLElement).focus();
    await userEvent.keyboard('{ArrowRight}{ArrowRight}{End}{ArrowLeft}');
    await expect.element(page.getByText('63 directions')).toBeVisible();
    await expect.element(slider).toHaveAttribute('max', '64');
  });
});

describe('what a chart hands over', () => {
  it('has the values and their source, as a file and as a table', async () => {
    show(<Ranks theme="light" link={hoverLink()} />);
    await drawn();
    const { name, text } = await saved('Rank for 95 % of the energy: save as CSV');
    expect(name).toBe('ranks.csv');
    expect(text.split('\n').slice(0, 3)).toEqual([
      'layer,teacher,"teacher, low","teacher, high",gaussian,source',
      '1,3,2,4,25,"train-0, train-1, train-2, train-3, train-4, train-5; layers 1–4; kernel tridiagonal, f32; seed 7."',
      '2,5,4,7,27,',
    ]);
    await page.getByText('Values as a table').click();
    const table = page.getByRole('table', { name: 'Rank for 95 % of the energy' });
    await expect.element(table).toMatchTextContent(/teacher, low.*13\s*11\s*16/);
  });

  it('case 23: texts are saved as they are, and guarded for spreadsheets where one would compute them', async () => {
    const rows = () => [['token'], ['=19>>'], ['-4']];
    show(<CsvButton title="Tokens" fileName="tokens" rows={rows} />);
    const plain = await saved('Tokens: save as CSV');
    expect([plain.name, plain.text]).toEqual(['tokens.csv', 'token\n=19>>\n-4\n']);
    await expect.element(page.getByText(/would compute texts such as “=19>>”/)).toBeVisible();
    const guarded = await saved('Save for spreadsheets');
    expect([guarded.name, guarded.text]).toEqual(['tokens-for-spreadsheets.csv', "token\n'=19>>\n-4\n"]);
    await expect.element(page.getByText(/would compute/)).not.toBeInTheDocument();
  });

  it('is a drawing with title and source', async () => {
    show(<Energy theme="dark" link={hoverLink()} columns={6} />);
    await drawn();
    const { text } = await saved('Energy of the core, 6 columns: save as SVG');
    const image = new DOMParser().parseFromString(text, 'image/svg+xml').documentElement;
    expect(image.querySelector('parsererror')).toBeNull();
    expect(image.textContent).toMatch(/Energy of the core, 6.*seed 7/s);
    const inner = image.querySelector('svg')!;
    expect(inner.getAttribute('width')).toBe(image.getAttribute('width'));
  });

  it('in 3-D is turned by buttons, highlights, and is an image too', async () => {
    const link = hoverLink();
    show(<Walks theme="light" link={link} />);
    await drawn();
    await page.getByRole('radio', { name: '3-D' }).click();
    await expect.poll(() => drawings()[0]?.data?.[0]?.type, { timeout: 20_000 }).toBe('scatter3d');
    await drawn();
    const [space] = drawings() as [Drawn];
    const eye = () => space.layout.scene!.camera.eye.x;
    const before = eye();
    await button('Trajectories: turn left').click();
    await expect.poll(eye).not.toBeCloseTo(before, 3);
    await button('Trajectories: reset the view').click();
    await expect.poll(eye).toBeCloseTo(before, 6);
    link.hold('train-1');
    // Twelve tokens and four thoughts, and a gap after each path.
    await expect.poll(() => space.data.at(-1)!.x.length).toBe(18);
    const { text } = await saved('Trajectories: save as SVG');
    expect(text).toMatch(/<image[^>]*href="data:image\/png/);
  });
});
