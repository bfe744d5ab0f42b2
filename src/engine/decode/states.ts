import { Graph, type Program, type Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { DecoderConfig } from '../nn/config';
import { type LatentFilter, runContinuation, runLatents, runQuestion } from '../nn/latent';
import type { LoraSpec } from '../nn/lora';
import { placed } from '../nn/positions';
import { causalMask, embed, runStack, stackModel } from '../nn/stack';

/**
 * A pass whose hidden states are read at every position. B sequences: a question left-padded to S columns, K latents, and
 * R columns of given tokens, right-padded. S = 0 leaves out question and latents: all tokens are given, with no left padding.
 */
export interface StatesShape {
  readonly config: DecoderConfig;
  readonly batch: number;
  readonly question: number;
  readonly latents: number;
  readonly rest: number;
  readonly lora: LoraSpec | undefined;
  readonly filter: LatentFilter;
}

/** Names of the inputs besides weights and packs. */
export const STATES_INPUTS = { question: 'question', keyMask: 'keyMask', rest: 'rest' } as const;

/** `states` [B, S + K + R, L, H]: hidden_states[1..L] of every column; those of padding are meaningless. */
export function statesProgram(shape: StatesShape): Program {
  const { config, batch: B, question: S, latents: K, rest: R } = shape;
  const graph = new Graph();
  const model = stackModel(graph, config, shape.lora);
  /** By layer [B·C, H] → [B, C, L, H]. */
  const byColumn = (hidden: readonly Tensor[], C: number): Tensor =>
    o.concat(
      hidden.map((h) => o.reshape(h, [B, C, 1, config.hiddenSize])),
      2,
    );
  const parts: Tensor[] = [];
  const restIds = (): Tensor => graph.input(STATES_INPUTS.rest, [B, R], 'i32');
  if (S === 0) {
    const mask = causalMask(graph, R, R);
    const place = { batch: B, positions: R, from: 0 };
    const x = placed(model, embed(model, restIds()), place);
    const run = runStack(model, { x, ...place, mask, past: undefined });
    parts.push(byColumn(run.hidden, R));
  } else {
    const keyMask = graph.input(STATES_INPUTS.keyMask, [B, 1, 1, S]);
    const question = runQuestion(model, graph.input(STATES_INPUTS.question, [B, S], 'i32'), keyMask, {
      lastOnly: false,
    });
    const latents = runLatents(model, question, K, shape.filter);
    parts.push(byColumn(question.hidden, S), ...latents.hidden.map((hidden) => byColumn(hidden, 1)));
    if (R > 0) parts.push(byColumn(runContinuation(model, question, latents, restIds(), 'rest').hidden, R));
  }
  return { name: 'states', outputs: { states: o.concat(parts, 1) } };
}
