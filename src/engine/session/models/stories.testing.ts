/** stories260K as distributed, in four files: opened, and run position by position. */
import { hasFile, readFile, readJson } from '../../../../scripts/tools/files';
import type { NamedFile } from '../../../contract/lens';
import { leftPad } from '../../data/batch';
import { Decoder } from '../../decode/decoder';
import { Walk } from '../../decode/decoder.testing';
import type { Runtime } from '../../runtime/runtime';
import { DeviceModels } from './device-models';
import { openModel } from './opened';

const FOLDER = 'checkpoints/stories260K';
export const hasStories = (): Promise<boolean> => hasFile('shared', `${FOLDER}/config.json`);

/** Its formats, the files that hold the weights, and how far the logits may be from the float32 reference's. */
export const STORIES_FORMS: readonly [form: string, weights: readonly string[], tolerance: number][] = [
  ['f32', ['model.safetensors'], 1e-4],
  ['f16', ['f16/model.safetensors'], 2e-2],
  ['bf16', ['bf16/model.safetensors'], 2e-2],
  [
    'shards of bf16',
    [
      'sharded/model.safetensors.index.json',
      'sharded/model-00001-of-00002.safetensors',
      'sharded/model-00002-of-00002.safetensors',
    ],
    2e-2,
  ],
];

/** The files of one format, as a user would choose them. */
export const storiesFiles = (weights: readonly string[]): Promise<NamedFile[]> =>
  Promise.all(
    ['config.json', 'tokenizer.json', 'tokenizer_config.json', ...weights].map(async (name) => ({
      name,
      data: new Blob([await readFile('shared', `${FOLDER}/${name}`)]),
    })),
  );

interface Reference {
  /** Greedy tokens, starting from the first; and the first few logits after position `pos`. */
  readonly ids: readonly number[];
  readonly logits_last: readonly number[];
  readonly pos: number;
}

export interface StoriesResult {
  /** Largest difference of the logits from the reference, relative to the largest logit. */
  readonly error: number;
  /** Greedy tokens after the first, and those of the reference. */
  readonly greedy: readonly number[];
  readonly expected: readonly number[];
}

/** Opens the files and continues the reference's first token greedily, `count` times. */
export async function runStories(
  runtime: Runtime,
  weights: readonly string[],
  count: number,
): Promise<StoriesResult> {
  const reference = await readJson<Reference>('shared', `${FOLDER}/reference.json`);
  const { model } = await openModel(await storiesFiles(weights));
  const models = new DeviceModels(runtime);
  const device = models.use(model);
  const capacity = count + 8;
  const decoder = new Decoder(device, {
    config: device.config,
    batch: 1,
    question: 1,
    capacity,
  });
  await device.release();
  const walk = new Walk(decoder);
  const { ids, keyMask } = leftPad([reference.ids.slice(0, 1)], 1, 0);
  await walk.begin(ids, keyMask);
  const greedy: number[] = [];
  let error = Number.POSITIVE_INFINITY;
  for (let at = 0; at < count; at++) {
    const logits = await walk.logits();
    if (at === reference.pos) {
      const size = Math.max(...reference.logits_last.map(Math.abs));
      const differences = reference.logits_last.map((x, i) => Math.abs((logits[i] as number) - x));
      error = Math.max(...differences) / size;
    }
    greedy.push(logits.indexOf(Math.max(...logits)));
    // The reference's own tokens are fed, so that a token that differs does not make all later ones differ.
    await walk.tokens(reference.ids[at + 1] as number);
  }
  walk.end();
  await decoder.dispose();
  await models.dispose();
  return { error, greedy, expected: reference.ids.slice(1, count + 1) };
}
