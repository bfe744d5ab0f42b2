import { describe, expect, it } from 'vitest';
import { ablationsOf, planOf } from '../../contract/ablations';
import { idlePaths } from '../../contract/methods/idle';
import { METHODS, methodOf } from '../../contract/methods/index';
import { methodPaths } from '../../contract/methods/method';
import { TEACHER } from '../../contract/methods/paths';
import { PRESETS } from '../../contract/presets';
import { thoughtsIn } from '../decode/reasoning';
import { RECIPES } from '../methods/index';
import { TINY_CONFIG } from '../train/tiny.testing';
import type { Recipe } from './shared/recipe';

const CONTENDERS = ablationsOf(METHODS).flatMap((one) =>
  planOf(one, METHODS).contenders.map(({ name, config }) => [`${one.id}: ${name}`, config] as const),
);

/** What is drawn of a method is what its recipe says it runs. */
describe.each([...PRESETS.map(({ id, config }) => [id, config] as const), ...CONTENDERS])(
  '%s',
  (_id, config) => {
    const method = methodOf(config.method);
    const recipe = RECIPES[config.method] as Recipe;
    const paths = methodPaths(method, config);
    const idle = idlePaths(method, config);
    const runs = (id: string) => paths.some((path) => path.id === id) && !idle.has(id);
    const reasoning = recipe.reasoning(config, TINY_CONFIG);

    it('reads a teacher where one is drawn, and nowhere else', () => {
      expect(runs(TEACHER)).toBe(recipe.usesTeacher(config));
    });

    it('feeds the added tokens and latents of its first path, in their order', () => {
      const fed = reasoning.stages.flatMap((stage) => {
        if (stage.kind === 'tokens') return [];
        const refined = stage.kind === 'latents' || (stage.kind === 'jacobi' && stage.iterations > 0);
        return [refined ? 'latents' : 'tokens'];
      });
      const drawn = (paths[0]?.parts ?? []).flatMap(({ place, kind }) =>
        place === 'reasoning' && kind !== 'text' ? [kind] : [],
      );
      expect(drawn).toEqual(fed);
    });

    it('says as many thoughts as are fed', () => {
      const [said] = (paths[0]?.parts ?? []).flatMap(({ label, kind }) =>
        kind === 'text' || !/^\d/.test(label) ? [] : [Number.parseInt(label, 10)],
      );
      if (said !== undefined) expect(said).toBe(thoughtsIn(reasoning));
    });
  },
);

it('a teacher is idle where every term that it is read for has a weight of 0', () => {
  const { config } = PRESETS.find(({ id }) => id === 'lori-paper-128') as (typeof PRESETS)[number];
  const without = { ...config, weights: { ...config.weights, anchor: 0, covariance: 0, mean: 0 } };
  expect(idlePaths(methodOf(config.method), without).has(TEACHER)).toBe(true);
  expect(idlePaths(methodOf(config.method), config).has(TEACHER)).toBe(false);
});
