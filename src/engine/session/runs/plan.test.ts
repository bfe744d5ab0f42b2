import { expect, it } from 'vitest';
import type { ConfigOf } from '../../../contract/config';
import { MemoryError } from '../../base/errors';
import { codi } from '../../recipes/codi';
import { lori } from '../../recipes/lori';
import type { Recipe } from '../../recipes/shared/recipe';
import { readingOf, statesBytes } from './plan';
import { tinyRun } from './tiny-run.testing';

type Asked = Parameters<typeof statesBytes>[2];
/** Rationales of 99 tokens, or 9 if only results are read. */
const rolesOf = (layers: number, hiddenSize: number): Asked =>
  ({
    codec: {
      encode: (_: unknown, form?: string) => ({
        ...{ question: [1], steps: [], answer: [2] },
        rationale: new Array<number>(form === 'results' ? 9 : 99).fill(3),
      }),
    },
    teacher: { model: { config: { layers, hiddenSize } } },
  }) as unknown as Asked;
const rows = (count: number) =>
  Array.from({ length: count }, () => ({ problem: { question: '', steps: [], answer: '' } }));
const steps = (factors: object = {}) => tinyRun({ factors: { rationale: 'steps', ...factors } as never });

it('counts the teacher’s hidden states at what it reads and at anchors', () => {
  const roles = rolesOf(24, 896);
  const bytes = statesBytes(rows(128), steps(), roles);
  expect(bytes).toBe(128 * 100 * 24 * 896 * 4);
  expect(statesBytes(rows(128), tinyRun(), roles)).toBe(bytes / 10);
});

it('holds the states of a small teacher, and reads a large one a sample at a time', () => {
  const recipe = lori as Recipe;
  const reading = (roles: Asked, factors: object = {}, of = recipe) =>
    readingOf(steps(factors), of, rows(128), roles);
  const small = 128 * 100 * 6 * 256 * 4;
  expect(reading(rolesOf(6, 256))).toEqual({ states: small, held: true, readings: 1, bytes: small });
  const [large, anchors] = [128 * 100 * 24 * 896 * 4, 128 * 24 * 896 * 4];
  const perLayer = 8 * (24 * 24 + 24 * 896 * 896);
  // μ_T and C_T in R directions.
  const { layerRank, hiddenRank } = (steps() as ConfigOf<'lori'>).factors;
  const R = layerRank * hiddenRank;
  const moments = 128 * 4 * (R + R * R);
  expect(reading(rolesOf(24, 896))).toEqual({
    ...{ states: large, held: false, readings: 2 },
    bytes: anchors + perLayer + moments,
  });
  expect(reading(rolesOf(24, 896), { normaliseLayers: false }).bytes).toBeLessThan(anchors + perLayer / 20);
  // This method reads only one position of each sample.
  expect(reading(rolesOf(24, 896), {}, codi as Recipe)).toMatchObject({
    held: false,
    readings: 1,
    bytes: anchors,
  });
});

it('refuses what does not fit into a page', () => {
  const wide = () => readingOf(steps(), lori as Recipe, rows(128), rolesOf(48, 4096));
  expect(wide).toThrow(MemoryError);
  expect(wide).toThrow(/for 128 samples takes 6\.5 GB; at most 3 GB/);
});
