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

it('names the settings that would choose other tokens, unless they are switched off', () => {
  const notesOn = (json: object) => withGenerationEnds([2], json, 100).notes;
  const off = { do_sample: false, temperature: 1, top_p: 1, repetition_penalty: 1, suppress_tokens: [] };
  const others = { bos_token_id: 1, pad_token_id: 0, max_length: 2048, transformers_version: '4.57.6' };
  expect(notesOn({ ...off, ...others, top_k: null })).toEqual([]);
  // As Qwen2.5-Instruct has it.
  const qwen = { do_sample: true, repetition_penalty: 1.1, temperature: 0.7, top_p: 0.8, top_k: 20 };
  expect(notesOn({ ...qwen, ...others, bad_words_ids: [[7]] })).toEqual([
    'generation_config.json: not taken over, since texts are generated as the settings here say: do_sample true, temperature 0.7, top_k 20, top_p 0.8, repetition_penalty 1.1, bad_words_ids [a list].',
  ]);
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
