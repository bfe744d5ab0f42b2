import '../ui/base.css';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { page } from 'vitest/browser';
import { queueDrawing } from './draw-queue';
import type { Figure } from './figure';
import { lineFigure } from './line-figure';
import { Plot } from './Plot';
import { loadPlotly } from './plotly';

let root: Root | undefined;
// How long the module takes to load is not what is timed below.
beforeAll(async () => {
  await loadPlotly();
});
beforeEach(async () => {
  await page.viewport(800, 600);
  // Where the page was scrolled to outlives its elements if the next ones come before a layout.
  window.scrollTo(0, 0);
});
afterEach(() => {
  root?.unmount();
  document.body.replaceChildren();
});

/** Milliseconds between two drawings of a chart. */
const REDRAW = 1000;

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Two charts, the second far below the window, both of data that grow; `builds` counts their drawings. */
function charts() {
  const builds = [vi.fn<() => Figure>(), vi.fn<() => Figure>()] as const;
  const place = document.createElement('div');
  document.body.append(place);
  root = createRoot(place);
  const onElement = () => {};
  const show = (points: number) => {
    const x = Array.from({ length: points }, (_, i) => i + 1);
    const series = [{ name: 'loss', x, y: x.map((i) => 1 / i) }];
    root?.render(
      builds.map((build, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the list is fixed
        <div key={i} style={{ marginTop: i * 3000 }}>
          <Plot
            build={(view) => {
              build();
              return lineFigure(series, { x: { label: 'step' }, y: { label: 'loss' } }, view);
            }}
            of={[series]}
            theme="light"
            log={false}
            height={200}
            onElement={onElement}
          />
        </div>
      )),
    );
  };
  return { show, builds };
}

describe('a chart whose data grow', () => {
  it('is not drawn while invisible, and is drawn with all its data once visible', async () => {
    const { show, builds } = charts();
    for (let points = 2; points <= 30; points++) {
      show(points);
      await wait(20);
    }
    await expect.poll(() => builds[0].mock.calls.length).toBeGreaterThan(0);
    await wait(1200);
    expect(builds[1]).not.toHaveBeenCalled();
    const [, below] = document.querySelectorAll<HTMLDivElement & { data?: { x: number[] }[] }>('.plot');
    expect(below!.querySelector('.main-svg')).toBeNull();
    below!.scrollIntoView();
    await expect.poll(() => below!.data?.[0]?.x.length).toBe(30);
    // What has been scrolled away rests.
    const drawings = builds[0].mock.calls.length;
    show(31);
    await wait(1500);
    // A busy machine may take longer to draw the one that is seen.
    await expect.poll(() => below!.data?.[0]?.x.length).toBe(31);
    expect(builds[0].mock.calls.length).toBe(drawings);
  });

  it('is redrawn at most once a second, however fast data arrive, and finally with all of them', async () => {
    const { show, builds } = charts();
    const times: number[] = [];
    builds[0].mockImplementation(() => {
      times.push(performance.now());
      return undefined as never;
    });
    const from = performance.now();
    // Three drawings take two seconds, or more where the machine is busy.
    for (let points = 2; times.length < 3 && performance.now() - from < 20_000; points++) {
      show(points);
      await wait(10);
    }
    expect(times.length).toBe(3);
    for (const [i, time] of times.slice(1).entries())
      expect(time - (times[i] as number)).toBeGreaterThan(REDRAW - 20);
    show(500);
    const [above] = document.querySelectorAll<HTMLDivElement & { data?: { x: number[] }[] }>('.plot');
    await expect.poll(() => above!.data?.[0]?.x.length).toBe(500);
  });

  it('is drawn although the drawing before it has seen no frame', async () => {
    // A page in the background gets no animation frames.
    const frames = vi.spyOn(window, 'requestAnimationFrame').mockReturnValue(0);
    try {
      const drawings: number[] = [];
      queueDrawing(() => drawings.push(1), true);
      queueDrawing(() => drawings.push(2), false);
      await expect.poll(() => drawings, { timeout: 8000 }).toEqual([1, 2]);
    } finally {
      frames.mockRestore();
    }
  });
});
