import '../ui/base.css';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { page } from 'vitest/browser';
import type { Figure } from './figure';
import { lineFigure } from './line-figure';
import { Plot } from './Plot';

let root: Root | undefined;
beforeEach(() => page.viewport(800, 600));
afterEach(() => {
  root?.unmount();
  document.body.replaceChildren();
});

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
  it('is not drawn while it cannot be seen, and is drawn with all its data once it can', async () => {
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
    expect(builds[0].mock.calls.length).toBe(drawings);
    expect(below!.data?.[0]?.x.length).toBe(31);
  });

  it('is drawn about once a second, however fast they come, and the last time with all of them', async () => {
    const { show, builds } = charts();
    show(2);
    await expect.poll(() => builds[0].mock.calls.length).toBe(1);
    const from = performance.now();
    for (let points = 3; performance.now() - from < 3000; points++) {
      show(points);
      await wait(10);
    }
    expect(builds[0].mock.calls.length).toBeGreaterThanOrEqual(2);
    expect(builds[0].mock.calls.length).toBeLessThanOrEqual(5);
    show(500);
    const [above] = document.querySelectorAll<HTMLDivElement & { data?: { x: number[] }[] }>('.plot');
    await expect.poll(() => above!.data?.[0]?.x.length, { timeout: 5000 }).toBe(500);
  });
});
