import { ConfigError } from '../../base/errors';
import { Graph, type Program } from '../../graph/graph';
import * as o from '../../graph/ops';
import type { DecoderConfig } from '../../nn/config';
import { placed } from '../../nn/positions';
import { causalMask, embed, logits, runStack, stackModel } from '../../nn/stack';
import { type Emitted, emitted } from '../../onnx/emit';
import { type Exported, mergedSource } from './subject';

/** A protocol buffer has at most 2 GiB. */
const MAX_BYTES = 2 ** 31 - 2 ** 20;

/**
 * The model as an ONNX graph of fixed length: `input_ids` int64 [1, length] → `logits` float32 [1, length,
 * V]. A shorter text is padded on the right, which changes nothing before the padding. Weights are float32,
 * inside the file.
 * @throws ConfigError beyond 2 GiB, or for more positions than the model has
 */
export function onnxModel(exported: Exported, length: number): Emitted {
  const { storage: _, ...config } = exported.model.config;
  const { maxPositions } = config;
  if (maxPositions !== undefined && length > maxPositions)
    throw new ConfigError(
      `an ONNX graph of ${length} positions; the model has ${maxPositions}`,
      `Choose at most ${maxPositions}.`,
    );
  const source = mergedSource(exported);
  const made = emitted(logitsProgram(config, length), {
    provider: 'wasm',
    standalone: true,
    bake: (name) => {
      const tensor = source.tensors.get(name);
      return tensor && { ...tensor, read: () => source.read(name) };
    },
  });
  if (made.length > MAX_BYTES)
    throw new ConfigError(
      `as float32, the model takes ${made.length} bytes, and an ONNX file holds at most ${MAX_BYTES}`,
      'Export the merged model as safetensors instead.',
    );
  return made;
}

function logitsProgram(config: DecoderConfig, length: number): Program {
  const graph = new Graph();
  const model = stackModel(graph, config);
  const place = { batch: 1, positions: length, from: 0 };
  const ids = graph.input('input_ids', [1, length], 'i32');
  const { hidden } = runStack(model, {
    x: placed(model, embed(model, ids), place),
    ...place,
    mask: causalMask(graph, length, length),
    past: undefined,
  });
  const last = logits(model, hidden[hidden.length - 1] as (typeof hidden)[number]);
  return { name: 'logits', outputs: { logits: o.reshape(last, [1, length, config.vocabSize]) } };
}
