/** stories260K, a real LLaMA-format checkpoint, run by the decoder: what its tests in Node and in the browser share. */
import { hasFile, readFile, readJson } from '../../../scripts/tools/files';
import type { HalfDType, HostTensor } from '../base/dtype';
import { loadCheckpoint } from '../checkpoint/load';
import { Graph } from '../graph/graph';
import type { Runtime } from '../runtime/runtime';
import type { DecoderConfig } from './config';
import { causalMask, embed, logits, runStack, stackModel } from './stack';
import { expectedTensors, namedWeights, packWeights, type Weights } from './weights';

const FOLDER = 'checkpoints/stories260K';
export const hasStories = (): Promise<boolean> => hasFile('shared', `${FOLDER}/config.json`);

export interface Stories {
  readonly config: DecoderConfig;
  readonly weights: Weights;
  /** Greedy tokens, starting from the first, and the first few logits at position `pos`. */
  readonly reference: {
    readonly ids: readonly number[];
    readonly logits_last: readonly number[];
    readonly pos: number;
  };
}

/** @param half reads the weights rounded to that dtype */
export async function readStories(half?: HalfDType): Promise<Stories> {
  const bytes = await readFile('shared', `${FOLDER}/${half ? `${half}/` : ''}model.safetensors`);
  const files = new Map([['model.safetensors', bytes.buffer]]);
  const { config, weights } = await loadCheckpoint(
    { config: await readJson('shared', `${FOLDER}/config.json`), weights: files },
    expectedTensors,
  );
  return {
    config,
    weights: packWeights(config, weights),
    reference: await readJson('shared', `${FOLDER}/reference.json`),
  };
}

/** Logits [S, V] of all positions of S tokens, by one pass of the whole stack without adapters. */
export async function logitsOf(
  runtime: Runtime,
  { config, weights }: Pick<Stories, 'config' | 'weights'>,
  columns: number,
): Promise<{ run(ids: readonly number[]): Promise<Float32Array>; dispose(): void }> {
  const graph = new Graph();
  const model = stackModel(graph, config);
  const out = runStack(model, {
    x: embed(model, graph.input('ids', [1, columns], 'i32')),
    batch: 1,
    positions: columns,
    from: 0,
    mask: causalMask(graph, columns, columns),
    past: undefined,
  });
  const hidden = out.hidden[out.hidden.length - 1];
  if (!hidden) throw new Error('a model without layers');
  const program = { name: 'stories', outputs: { logits: logits(model, hidden) } };
  const bake = runtime.provider === 'wasm' ? namedWeights(weights) : {};
  const executable = await runtime.compile(program, { bake });
  const bound = Object.fromEntries(
    Object.entries(namedWeights(weights))
      .filter(([name]) => executable.inputs.has(name))
      .map(([name, tensor]: [string, HostTensor]) => [name, runtime.upload(tensor, name)]),
  );
  const ids = runtime.empty('i32', [1, columns], 'ids');
  return {
    async run(tokens) {
      const padded = new Int32Array(columns);
      padded.set(tokens.slice(0, columns));
      ids.write(padded);
      const { logits: tensor } = await executable.run({ ...bound, ids });
      const values = (await tensor?.read()) as Float32Array;
      tensor?.dispose();
      return values;
    },
    dispose() {
      for (const tensor of [...Object.values(bound), ids]) tensor.dispose();
      executable.dispose();
    },
  };
}

/** Continues `first` greedily by `count` tokens, each from a full pass: slow and plain. */
export async function greedy(
  model: { run(ids: readonly number[]): Promise<Float32Array> },
  vocab: number,
  first: readonly number[],
  count: number,
): Promise<number[]> {
  const ids = [...first];
  while (ids.length < first.length + count) {
    const row = (await model.run(ids)).subarray((ids.length - 1) * vocab, ids.length * vocab);
    ids.push(row.indexOf(Math.max(...row)));
  }
  return ids;
}
