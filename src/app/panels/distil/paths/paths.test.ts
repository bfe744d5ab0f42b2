import { describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../../../contract/config';
import { WITH_MOCK } from '../../../../contract/methods/mock.testing';
import { presetsOf } from '../../../../contract/presets';
import { BOX, drawPaths, MARK } from './layout';
import { pathWords, seatWords } from './words';

const methodOf = (id: string) => WITH_MOCK.find((method) => method.id === id) as (typeof WITH_MOCK)[number];

describe.each(presetsOf(WITH_MOCK).map(({ id, config }) => [id, config] as const))('%s', (_id, config) => {
  const method = methodOf(config.method);
  const drawing = drawPaths(method, config);
  const { paths, marks, links, width, height } = drawing;

  it('has every term where there is something, and no two marks on one another', () => {
    expect([...new Set(marks.map(({ number }) => number))].sort((a, b) => a - b)).toEqual(
      method.terms.map((_, i) => i + 1),
    );
    for (const { x, y, term } of marks) {
      // Below a box of the term's path.
      const above = paths
        .flatMap(({ boxes }) => boxes)
        .filter((box) => box.y + BOX < y && y - box.y < 2 * BOX);
      expect(above.length, term).toBeGreaterThan(0);
      expect(x - MARK, term).toBeGreaterThan(0);
      expect(x + MARK, term).toBeLessThan(width);
      expect(y + MARK, term).toBeLessThan(height);
    }
    const near = marks.flatMap((a, i) =>
      marks.slice(i + 1).filter((b) => Math.hypot(a.x - b.x, a.y - b.y) < 2 * MARK),
    );
    expect(near).toEqual([]);
  });

  it('leads every distance to a box of another path', () => {
    for (const { x, to, term } of links) {
      const ends = paths
        .flatMap(({ boxes }) => boxes)
        .filter((box) => box.y === to && box.x <= x && x <= box.x + box.width);
      expect(ends, term).toHaveLength(1);
    }
  });

  it('keeps boxes of a path apart and in order', () => {
    for (const { boxes } of paths)
      boxes.slice(1).forEach((box, i) => {
        const { x, width: w } = boxes[i] as typeof box;
        expect(box.x).toBeGreaterThan(x + w);
      });
  });

  it('has room for the title of every path', () => {
    for (const { label, by, isIdle, boxes } of paths) {
      const letters = label.length + by.length + (isIdle ? ' · not run'.length : 0);
      expect((boxes[0]?.x ?? 0) + 7 * letters, label).toBeLessThan(width);
    }
  });

  it('says the same in words', () => {
    const words = pathWords(method, config);
    expect(words.map(({ id }) => id)).toEqual(paths.map(({ id }) => id));
    for (const term of method.terms) expect(seatWords(term, method, config)).toMatch(/^On .+ of the .+\.$/);
    expect(JSON.stringify(words)).not.toMatch(/undefined|NaN/);
  });
});

it('puts the loss of what is written below the text, not below the latents before it', () => {
  const coconut = methodOf('coconut');
  const drawn = drawPaths(coconut, parseRunConfig({ method: 'coconut', weights: { decoder: 1 } }));
  const below = drawn.marks.map(({ x, y }) => {
    const box = drawn.paths
      .flatMap(({ boxes }) => boxes)
      .find((one) => one.y < y && y - one.y < 2 * BOX && Math.abs(one.x + one.width / 2 - x) < 1);
    return box?.label;
  });
  expect(below).toEqual(['steps after s', '“The answer is:”', 'answer', 'step g']);
});

it('says where a distance moves both of its paths', () => {
  const dart = methodOf('dart');
  const at = (target: string) => parseRunConfig({ method: 'dart', distance: { target } });
  expect(drawPaths(dart, at('detached')).links.map(({ stops }) => stops)).toEqual([true]);
  expect(drawPaths(dart, at('joint')).links.map(({ stops }) => stops)).toEqual([false]);
  const distil = dart.terms.find(({ name }) => name === 'distil') as (typeof dart.terms)[number];
  expect(seatWords(distil, dart, at('joint'))).toContain('against the written path, which it moves too.');
});

it('shows a path that only terms of weight 0 are on as not run, and its terms as left out', () => {
  const withWeights = (weights: object) =>
    drawPaths(methodOf('lori'), parseRunConfig({ method: 'lori', weights }));
  const idle = ({ paths }: ReturnType<typeof drawPaths>) =>
    paths.filter(({ isIdle }) => isIdle).map(({ id }) => id);
  expect(idle(withWeights({ explicit: 0 }))).toEqual(['written']);
  expect(idle(withWeights({ explicit: 1 }))).toEqual([]);
  expect(idle(withWeights({ covariance: 0, mean: 0, anchor: 0 }))).toEqual(['teacher', 'written']);
  const left = withWeights({ anchor: 0 }).marks.filter(({ isIdle }) => isIdle);
  expect(left.map(({ term }) => term)).toEqual(['anchor', 'explicit', 'explicit', 'explicit']);
});
