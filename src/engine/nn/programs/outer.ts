import { vjp } from '../../graph/gradient';
import { Graph, type Program, type Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import type { DecoderConfig } from '../config';
import { type LatentFilter, latentOf } from '../latent';
import { embed, positionOf, type StackModel } from '../stack';
import { outerInputs } from '../weights';

/** A model without its blocks: embedding, final norm and head, inputs `w.{name}`. */
export function outerModel(graph: Graph, config: DecoderConfig): StackModel {
  return { graph, config, outer: outerInputs(graph, config), blocks: [], lora: [] };
}

/** Input embeddings of several segments at once: inputs `{name}` i32 [B, P] → outputs `{name}` [B·P, H]. */
export function embedProgram(
  config: DecoderConfig,
  ids: Readonly<Record<string, readonly [number, number]>>,
): Program {
  const graph = new Graph();
  const model = outerModel(graph, config);
  const outputs: Record<string, Tensor> = {};
  for (const [name, shape] of Object.entries(ids))
    outputs[name] = embed(model, graph.input(name, shape, 'i32'));
  return { name: 'embedding', outputs };
}

/** One position of each sample: x [B·P, H] → row [B, H]. */
export function pickProgram(batch: number, positions: number, hidden: number, index: number): Program {
  const graph = new Graph();
  const x = graph.input('x', [batch * positions, hidden]);
  return { name: 'one position', outputs: { row: positionOf(x, batch, positions, index) } };
}

/** The transpose of `pickProgram`: row [B, H] → x [B·P, H], zero elsewhere. */
export function placeProgram(batch: number, positions: number, hidden: number, index: number): Program {
  const graph = new Graph();
  const row = o.reshape(graph.input('row', [batch, hidden]), [batch, 1, hidden]);
  const x = o.reshape(o.pad(row, 1, index, positions - 1 - index), [batch * positions, hidden]);
  return { name: 'one position in reverse', outputs: { x } };
}

export interface ForwardReverse {
  readonly forward: Program;
  readonly reverse: Program;
}

/** The final norm alone: x [B, H] → hidden [B, H]; in reverse x, dHidden → dx. */
export function normPrograms(config: DecoderConfig, batch: number): ForwardReverse {
  const graph = new Graph();
  const x = graph.input('x', [batch, config.hiddenSize]);
  const hidden = o.rmsNorm(x, outerModel(graph, config).outer.finalNorm, config.rmsNormEps);
  const [dx] = vjp([hidden], [graph.input('dHidden', hidden.shape)], [x]);
  return {
    forward: { name: 'final norm', outputs: { hidden } },
    reverse: { name: 'final norm in reverse', outputs: { dx: dx as Tensor } },
  };
}

/**
 * From a last block output to the next input: x [B, H] → hidden (after the final norm), z (LoRi §2), both [B, H]; in
 * reverse x, dHidden, dZ → dx. The embedding is frozen, but the gradient goes through softmax(logits)·E into x.
 */
export function feedbackPrograms(config: DecoderConfig, batch: number, filter: LatentFilter): ForwardReverse {
  const graph = new Graph();
  const x = graph.input('x', [batch, config.hiddenSize]);
  const model = outerModel(graph, config);
  const hidden = o.rmsNorm(x, model.outer.finalNorm, config.rmsNormEps);
  const z = latentOf(model, hidden, filter);
  const cotangents = [graph.input('dHidden', hidden.shape), graph.input('dZ', z.shape)];
  const [dx] = vjp([hidden, z], cotangents, [x]);
  return {
    forward: { name: 'feedback', outputs: { hidden, z } },
    reverse: { name: 'feedback in reverse', outputs: { dx: dx as Tensor } },
  };
}
