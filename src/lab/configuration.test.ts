import { describe, expect, it } from 'vitest';
import { METHODS } from '../contract/methods/index';
import { PRESETS } from '../contract/presets';
import { configurationOf } from './configuration';

const given = (over: object = {}) => ({ preset: [], set: [], ...over });
const ONLY_LORI = { set: ['weights.anchor=0.25'] };

describe('without a preset', () => {
  it('one run starts from the first, and accepts a setting that only its method has', async () => {
    const { config, contenders } = await configurationOf(given(ONLY_LORI), METHODS);
    expect(config).toEqual({
      ...PRESETS[0]!.config,
      weights: { ...(PRESETS[0]!.config as { weights: object }).weights, anchor: 0.25 },
    });
    expect(contenders).toMatchObject([{ name: PRESETS[0]!.id, config }]);
    expect(contenders).toHaveLength(1);
  });

  it('a comparison has every preset except those named for a paper’s table, and settings apply to all', async () => {
    const { contenders } = await configurationOf(given({ set: ['seed=9'] }), METHODS, true);
    expect(contenders.map(({ name }) => name)).toEqual(
      PRESETS.filter((one) => !one.paper).map(({ id }) => id),
    );
    expect(contenders.every(({ config }) => config.seed === 9)).toBe(true);
    await expect(configurationOf(given(ONLY_LORI), METHODS, true)).rejects.toThrow(
      /weights\.anchor=0\.25.*a setting of the method codi/,
    );
  });
});

it('named presets are the contenders of any command', async () => {
  const { contenders } = await configurationOf(given({ preset: ['ce-128', 'nocot-128'] }), METHODS);
  expect(contenders.map(({ name, config }) => [name, config.method])).toEqual([
    ['ce-128', 'ce'],
    ['nocot-128', 'nocot'],
  ]);
});
