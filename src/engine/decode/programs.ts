import type { Shape } from '../base/shape';
import { Graph, type Program, type Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { DecoderConfig } from '../nn/config';
import { type Feedback, feedbackName, latentOf } from '../nn/feedback';
import { runQuestion } from '../nn/latent';
import { decoderLayer, type KeyValues } from '../nn/layer';
import { learnedRow } from '../nn/learned';
import { CONTINUE, STOP, type StopHeadSpec, stopLogits } from '../nn/modules/stop-head';
import { mostProbable, mostProbableTokens } from '../nn/next-token';
import type { ParameterSpecs } from '../nn/parameters';
import { atPositions, hasLearnedPositions, leftPadding } from '../nn/positions';
import { embed, lastHidden, outerModel, positionOf, type StackModel, stackModel } from '../nn/stack';
import { logitChunks } from '../nn/vocabulary';
import { ownOutput } from './own-rows';
import { intervened, intervenedModel, isOfRows, type ReadStates, type SiteOptions } from './sites';

/** What decoding is compiled for: B sequences, questions of S columns, and the trained values. */
export interface DecodeShape {
  readonly config: DecoderConfig;
  readonly batch: number;
  readonly question: number;
  /** T, the number of keys that a sequence may have. */
  readonly capacity: number;
  /** Default: none. */
  readonly parameters?: ParameterSpecs | undefined;
  /** Names of the adapters that run, in order; by default all. */
  readonly adapters?: readonly string[] | undefined;
}

const modelIn = (graph: Graph, { config, parameters, adapters }: DecodeShape): StackModel =>
  stackModel(graph, config, parameters, adapters);

/** What a pass does in addition: each combination is a program of its own, so that what is not requested costs nothing. */
export interface PassOptions extends SiteOptions {
  /** Whether hidden_states[1..L] of the last position are an output. */
  readonly hidden: boolean;
  /** Whether the last position's attention weights are an output. */
  readonly attention: boolean;
  /** Whether earlier positions were left unused, `skipped` [1, 1] of them, if positions are learned; default false. */
  readonly skips?: boolean;
  /** Whether a step's outputs are its own position's keys and values alone, see `own-rows.ts`; default false. */
  readonly ownOnly?: boolean;
}

/** What a pass computes for its last position, by layer. */
interface LastPosition {
  /** [B, H] */
  readonly hidden: readonly Tensor[];
  readonly kv: readonly KeyValues[];
  /** [B, heads, 1, keys so far] */
  readonly attention: readonly Tensor[];
}

/**
 * `last` [B, H], the final hidden state of the last position; keys and values `k.{i}`, `v.{i}` padded to T; and, if
 * requested, `hidden` [B, L, H] and `attention` [B, L, heads, T].
 */
function outputs(
  { batch: B, capacity: T, config }: DecodeShape,
  { hidden, kv, attention }: LastPosition,
  wanted: PassOptions,
): Record<string, Tensor> {
  const H = config.hiddenSize;
  const byLayer = (parts: readonly Tensor[], shape: Shape): Tensor =>
    o.concat(
      parts.map((part) => o.reshape(part, [B, 1, ...shape])),
      1,
    );
  const named: Record<string, Tensor> = { last: hidden[hidden.length - 1] as Tensor };
  if (wanted.hidden) named.hidden = byLayer(hidden, [H]);
  if (wanted.attention) {
    const padded = attention.map((weights) => o.pad(weights, 3, 0, T - (weights.shape[3] as number)));
    named.attention = byLayer(padded, [config.heads, T]);
  }
  kv.forEach(({ k, v }, i) => {
    named[`k.${i}`] = o.pad(k, 2, 0, T - (k.shape[2] as number));
    named[`v.${i}`] = o.pad(v, 2, 0, T - (v.shape[2] as number));
  });
  return named;
}

/** Reads the question: ids [B, S], keyMask [B, 1, 1, S]. */
export function prefillProgram(shape: DecodeShape, options: PassOptions): Program {
  const { batch: B, question: S, config } = shape;
  const graph = new Graph();
  const seen: ReadStates = new Map();
  const model = intervenedModel(modelIn(graph, shape), options, seen);
  const keyMask = graph.input('keyMask', [B, 1, 1, S]);
  const run = runQuestion(model, graph.input('ids', [B, S], 'i32'), keyMask, {
    // If states are replaced row by row, all rows are needed, in the last layer too.
    lastOnly: !options.rows?.length,
    fed: (x) => intervened(x, { site: 'latent' }, { sites: [], read: [], rows: options.rows ?? [] }, seen),
  });
  const H = config.hiddenSize;
  const lastOf = (h: Tensor): Tensor => o.reshape(o.slice(o.reshape(h, [B, S, H]), 1, S - 1, S), [B, H]);
  const hidden = run.hidden.map((h) => (h === run.last ? h : lastOf(h)));
  const attention = run.attention.map((weights) => {
    const Q = weights.shape[2] as number;
    return o.slice(weights, 2, Q - 1, Q);
  });
  const states = outputs(shape, { hidden, kv: run.kv, attention }, options);
  return { name: 'prefill', outputs: { ...states, ...readOutputs(seen, B) } };
}

/**
 * The states at the sites read, [B, H] each at the last position, or [B·S, H] at all positions for `rows`.
 * They are separate tensors, since a state may be another output too.
 */
const readOutputs = (seen: ReadStates, B: number): Record<string, Tensor> =>
  Object.fromEntries(
    [...seen].map(([name, h]) => {
      const positions = (h.shape[0] as number) / B;
      return [name, o.mul(isOfRows(name) ? h : positionOf(h, B, positions, positions - 1), 1)];
    }),
  );

/**
 * What is fed next: a vector x [B, H] (a token's embedding or any other), `ids` i32 [B] of tokens if the
 * embedding itself is trained, the latent made from `last` [B, H], or a row of the trained parameter of that
 * name, whose index is the input `row`, i32 [1].
 */
export type Fed = 'vector' | 'ids' | { readonly latent: Feedback } | { readonly embedding: string };

/** How tokens are fed. */
export const tokensFed = ({ parameters }: Pick<DecodeShape, 'parameters'>): Fed =>
  parameters?.weights ? 'ids' : 'vector';

/** A name that is unique to each kind. */
export function fedName(fed: Fed): string {
  if (typeof fed === 'string') return fed;
  return 'latent' in fed ? `latent ${feedbackName(fed.latent)}` : `row of ${fed.embedding}`;
}

/**
 * Runs one position: what is fed, the past `k.{i}`, `v.{i}` padded to T, `place` [1, 1, T, 1] (1 at this
 * position's column, 0 elsewhere), mask [B, 1, 1, T], and, if positions are rotary, cos and sin [1, d/2] of
 * its position. One program serves all positions. With `ownOnly` its outputs are this position's `own k.{i}` and
 * `own v.{i}` [B, kv heads, 1, d] instead of the whole `k.{i}`, `v.{i}`.
 */
export function advanceProgram(shape: DecodeShape, fed: Fed, options: PassOptions): Program {
  const { batch: B, capacity: T, config } = shape;
  const { kvHeads, headDim: d, hiddenSize: H } = config;
  const graph = new Graph();
  const seen: ReadStates = new Map();
  const model = intervenedModel(modelIn(graph, shape), options, seen);
  const place = graph.input('place', [1, 1, T, 1]);
  /** Keys and values of this position, [B, kv heads, 1, d], by layer in turn. */
  const owns: Tensor[] = [];
  const segment = {
    batch: B,
    positions: 1,
    mask: graph.input('mask', [B, 1, 1, T]),
    rope:
      config.positions === 'learned'
        ? undefined
        : { cos: graph.input('cos', [1, d / 2]), sin: graph.input('sin', [1, d / 2]) },
    join: (past: Tensor | undefined, own: Tensor) => {
      owns.push(own);
      // The column is still zero in the past, so adding writes it.
      return o.add(past as Tensor, o.mul(own, place));
    },
  };
  const input = fed === 'vector' ? graph.input('x', [B, H]) : fedInput(model, shape, fed, options, seen);
  const column = (): Tensor =>
    options.skips ? o.add(columnOf(place), graph.input('skipped', [1, 1])) : columnOf(place);
  let x = hasLearnedPositions(model)
    ? atPositions(model, input, o.sub(column(), leftPadding(segment.mask)))
    : input;
  const hidden: Tensor[] = [];
  const kv: KeyValues[] = [];
  const attention: Tensor[] = [];
  model.layers.forEach((weights, i) => {
    const past = {
      k: graph.input(`k.${i}`, [B, kvHeads, T, d]),
      v: graph.input(`v.${i}`, [B, kvHeads, T, d]),
    };
    const out = graph.scope(`layer ${i}`, () =>
      decoderLayer(config, weights, model.attached[i], x, segment, past),
    );
    x = i === config.layers - 1 ? lastHidden(model, out.x) : out.x;
    hidden.push(x);
    kv.push(out.kv);
    attention.push(out.attention);
  });
  const states = outputs(shape, { hidden, kv: options.ownOnly ? [] : kv, attention }, options);
  const rows = options.ownOnly ? ownOutputs(owns) : {};
  return { name: `advance by a ${fedName(fed)}`, outputs: { ...states, ...rows, ...readOutputs(seen, B) } };
}

const ownOutputs = (owns: readonly Tensor[]): Record<string, Tensor> =>
  Object.fromEntries(owns.map((own, n) => [ownOutput(`${n % 2 === 0 ? 'k' : 'v'}.${n >> 1}`), own]));

/** The column [1, 1] that `place` [1, 1, T, 1] marks. */
function columnOf(place: Tensor): Tensor {
  const T = place.shape[2] as number;
  const columns = Float32Array.from({ length: T }, (_, t) => t);
  return o.reshape(o.reduceSum(o.mul(place, place.graph.constant(columns, place.shape))), [1, 1]);
}

function fedInput(
  model: StackModel,
  { batch, config }: DecodeShape,
  fed: Exclude<Fed, 'vector'>,
  options: SiteOptions,
  seen: ReadStates,
): Tensor {
  if (fed === 'ids') return embed(model, model.graph.input('ids', [batch, 1], 'i32'));
  if ('embedding' in fed) return learnedRow(model.graph, model.parameter(fed.embedding), 'row', batch);
  const last = model.graph.input('last', [batch, config.hiddenSize]);
  const z = latentOf(model, last, fed.latent, model.parameter);
  return intervened(z, { site: 'latent' }, options, seen);
}

/** A program that reads `last` [B, H] through the model's head. */
function headProgram(
  name: string,
  { batch, config, parameters }: DecodeShape,
  read: (model: StackModel, last: Tensor) => Record<string, Tensor>,
): Program {
  const graph = new Graph();
  const last = graph.input('last', [batch, config.hiddenSize]);
  return { name, outputs: read(outerModel(graph, config, parameters), last) };
}

/** The latent `z` [B, H] that would be fed, before any intervention. */
export const latentProgram = (shape: DecodeShape, feedback: Feedback): Program =>
  headProgram(`latent ${feedbackName(feedback)}`, shape, (model, last) => {
    const z = latentOf(model, last, feedback, model.parameter);
    // An input may not be an output.
    return { z: feedback.kind === 'hidden' ? o.mul(z, 1) : z };
  });

/** `x` [n, H], the embeddings of `ids` i32 [n]. */
export function embedProgram({ config, parameters }: DecodeShape, n: number): Program {
  const graph = new Graph();
  const ids = graph.input('ids', [n], 'i32');
  return { name: 'embed', outputs: { x: embed(outerModel(graph, config, parameters), ids) } };
}

/** `odds` [B]: the stop head's log-odds of stopping, in nats. */
export const stopProgram = (shape: DecodeShape, head: StopHeadSpec): Program =>
  headProgram(`stop by ${head.name} at ${head.temperature ?? 1}`, shape, (model, last) => {
    const logits = stopLogits(head, last, model.parameter);
    return {
      odds: o.reshape(o.sub(o.slice(logits, 1, STOP, STOP + 1), o.slice(logits, 1, CONTINUE, CONTINUE + 1)), [
        shape.batch,
      ]),
    };
  });

/** `id` i32 and `logProbability`, [B] each, see `mostProbable`. */
export const nextProgram = (shape: DecodeShape): Program =>
  headProgram('next token', shape, (model, last) => ({ ...mostProbable(model, last) }));

/** `ids`, `logProbabilities` [B, k] and `entropy` [B] of softmax(scale·logits), scale [1, 1]. */
export const topProgram = (shape: DecodeShape, k: number): Program =>
  headProgram('most probable tokens', shape, (model, last) => ({
    ...mostProbableTokens(model, last, model.graph.input('scale', [1, 1]), k),
  }));

/** Logits `0`, `1`, … of each chunk of the vocabulary, [B, Vc]. */
export const logitsProgram = (shape: DecodeShape): Program =>
  headProgram('logits', shape, (model, last) =>
    Object.fromEntries(logitChunks(model, last).map((chunk, c) => [String(c), chunk])),
  );
