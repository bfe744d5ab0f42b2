import { expect, it } from 'vitest';
import { tinyPair } from '../../testing/tiny-pair.testing';
import { GENERATION_CONFIG, withGenerationEnds } from './generation-config';
import { openModel } from './opened';

it('adds the end tokens of generation_config.json to those of config.json', () => {
  expect(withGenerationEnds([2], undefined, 100)).toEqual({ endIds: [2], notes: [] });
  expect(withGenerationEnds([2], {}, 100)).toEqual({ endIds: [2], notes: [] });
  expect(withGenerationEnds([2], { eos_token_id: null }, 100).endIds).toEqual([2]);
  expect(withGenerationEnds([2], { eos_token_id: 7 }, 100)).toEqual({ endIds: [2, 7], notes: [] });
  expect(withGenerationEnds([2], { eos_token_id: [7, 2, 9] }, 100).endIds).toEqual([2, 7, 9]);
  expect(withGenerationEnds([], { eos_token_id: [7, 100, 'x', -1] }, 100)).toEqual({
    endIds: [7],
    notes: [expect.stringContaining('names 100, "x", -1, which is not a token of the model (0 to 99)')],
  });
  expect(withGenerationEnds([2], [1], 100).notes).toEqual([expect.stringContaining('was ignored')]);
});

it('reads the file with the others of a checkpoint', async () => {
  const files = [...(await tinyPair())].filter(([path]) => path.startsWith('base/'));
  const open = async (extra?: unknown) => {
    const all = files.map(([path, bytes]) => ({
      name: path.slice('base/'.length),
      data: new Blob([bytes]),
    }));
    if (extra !== undefined) all.push({ name: GENERATION_CONFIG, data: new Blob([JSON.stringify(extra)]) });
    return (await openModel(all)).model;
  };
  const { endIds } = await open();
  expect((await open({ eos_token_id: [...endIds, 11] })).endIds).toEqual([...endIds, 11]);
  const odd = await open({ eos_token_id: 1e6 });
  expect(odd.endIds).toEqual(endIds);
  expect(odd.report.notes?.join()).toContain('generation_config.json: eos_token_id names 1000000');
});
