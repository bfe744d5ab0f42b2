/**
 * Where a decoder's hidden states are in its graph. Names inside the graph differ between exporters and are not looked at;
 * what all share is the interface that transformers.js and onnxruntime-genai run (input_ids, past_key_values.{i}.key,
 * present.{i}.key, logits) and a residual stream: a value that everything from the embedding to the logits goes through,
 * between any two layers. The one that a layer's keys are computed from is what the layer reads.
 */
import { listed, quote } from '../../../text/quote';
import { ConfigError } from '../../base/errors';
import { FLOAT16, FLOAT32, INT64 } from './elements';
import { type Cuts, Flow } from './flow';
import type { OnnxModel, OnnxNode, OnnxValue } from './model';

/** Keys and values of one layer, as inputs (absent where the model takes none) and as outputs. */
export interface LayerCache {
  readonly past: { readonly key: OnnxValue; readonly value: OnnxValue } | undefined;
  readonly present: { readonly key: string; readonly value: string };
  /** Whether the inputs are of the outputs' type: where code computes in float32 between float16 ones, they may not be. */
  readonly goesBack: boolean;
}

export interface DecoderGraph {
  /** L */
  readonly layers: number;
  /** Values of the graph: what layers 1 … L read, and what the head reads. L + 1 in all: hidden_states of transformers. */
  readonly taps: readonly string[];
  readonly caches: readonly LayerCache[];
  /** Further inputs it takes. */
  readonly inputs: ReadonlySet<(typeof INPUTS)[number]>;
}

export const INPUTS = ['input_ids', 'attention_mask', 'position_ids', 'num_logits_to_keep'] as const;

const OTHER =
  'Choose a text-only decoder exported with its cache (model.onnx of a text-generation model), or the safetensors of the same model.';

const MAX_LAYERS = 512;
/** Optimum's names, and those that transformers has given since it exports by itself. */
const PRESENT =
  /^(?:present(?:_key_values)?|(?:output\.)?past_key_values\.layers)\.(\d{1,4})\.(key|value)s?$/;
const PAST = /^(?:past(?:_key_values)?|(?:input\.)?past_key_values\.layers)\.(\d{1,4})\.(key|value)s?$/;
/** The input that chooses between the graphs of a merged decoder; the second name is Optimum's of 2022. */
const CHOOSES = ['use_cache_branch', 'use_cache'];

/**
 * Finds the hidden states in a decoder's graph.
 * @throws ConfigError naming what was found where it is no such decoder, FileError for a graph that is damaged
 */
export function findResiduals(model: OnnxModel): DecoderGraph {
  const inputs = checkInputs(model);
  const caches = cachesOf(model);
  const flow = new Flow(model);
  const embedding = embeddingOf(flow);
  const cuts = flow.cuts(embedding, 'logits');
  if (cuts.values.length === 0) throw refused('its logits do not depend on the embedding of input_ids');
  const taps: number[] = caches.map(({ present }) => flow.lastBefore(present.key, cuts));
  taps.push(finalOf(flow, cuts));
  checkOrder(taps);
  return { layers: caches.length, taps: taps.map((at, i) => named(cuts.values[at], i)), caches, inputs };
}

const refused = (found: string): ConfigError =>
  new ConfigError(`the hidden states of this ONNX export cannot be found: ${found}`, OTHER);

function named(value: string | undefined, layer: number): string {
  if (value === undefined)
    throw refused(`what layer ${layer + 1} reads is a sum inside a node that does not give it as an output`);
  return value;
}

function checkInputs({ inputs, outputs, nodes }: OnnxModel): ReadonlySet<(typeof INPUTS)[number]> {
  const names = inputs.map(({ name }) => name);
  const chooses = CHOOSES.find((name) => names.includes(name));
  if (chooses !== undefined || nodes.some(({ op }) => op === 'Loop'))
    throw new ConfigError(
      `this ONNX export holds two graphs in one (${chooses ?? 'a loop'}): values inside of them cannot be read`,
      'Choose the export with one graph: model.onnx, decoder_with_past_model.onnx or decoder_model.onnx, of the same model.',
    );
  const known: readonly string[] = INPUTS;
  const others = names.filter((name) => !known.includes(name) && !PAST.test(name));
  if (others.length > 0 || !names.includes('input_ids'))
    throw refused(
      `it takes ${listed((others.length > 0 ? others : names).map(quote))}; input_ids, attention_mask, position_ids and past_key_values are expected`,
    );
  for (const { name, element } of inputs)
    if (known.includes(name) ? element !== INT64 : element !== FLOAT32 && element !== FLOAT16)
      throw refused(`its input ${quote(name)} has the element type ${element}`);
  if (!outputs.some(({ name }) => name === 'logits'))
    throw refused(`it has no output logits, but ${listed(outputs.map(({ name }) => quote(name)))}`);
  return new Set(INPUTS.filter((name) => names.includes(name)));
}

/** Values whose names match, by the number of the layer and what they are: `3 key`. */
const byLayer = <T extends { readonly name: string }>(
  values: readonly T[],
  pattern: RegExp,
): ReadonlyMap<string, T> =>
  new Map(
    values.flatMap((value) => {
      const [, layer, what] = pattern.exec(value.name) ?? [];
      return layer === undefined ? [] : [[`${Number(layer)} ${what}`, value] as const];
    }),
  );

/** Where the file tells both types. */
const isSameType = (past: OnnxValue | undefined, present: OnnxValue): boolean =>
  !past || past.element === 0 || present.element === 0 || past.element === present.element;

function cachesOf({ inputs, outputs }: OnnxModel): LayerCache[] {
  const [present, past] = [byLayer(outputs, PRESENT), byLayer(inputs, PAST)];
  const layers = present.size / 2;
  if (layers > MAX_LAYERS) throw refused(`it has ${layers} layers; at most ${MAX_LAYERS} are read`);
  const caches = Array.from({ length: Math.ceil(layers) }, (_, i): LayerCache => {
    const [key, value] = [present.get(`${i} key`), present.get(`${i} value`)];
    if (!key || !value)
      throw refused(`there are ${present.size} outputs of keys and values, but none for layer ${i}`);
    const [pastKey, pastValue] = [past.get(`${i} key`), past.get(`${i} value`)];
    const read = pastKey && pastValue && { key: pastKey, value: pastValue };
    const goesBack = isSameType(pastKey, key) && isSameType(pastValue, value);
    return { past: read, present: { key: key.name, value: value.name }, goesBack };
  });
  if (caches.length === 0)
    throw refused('it has no outputs present.0.key …, by which its layers could be told apart');
  const read = caches.filter((cache) => cache.past).length;
  if (past.size !== 2 * read || (read !== 0 && read !== caches.length))
    throw refused(`it reads the keys and values of ${read} layers, and gives those of ${caches.length}`);
  return caches;
}

/** Nodes that hand on ids, or what they are computed from, unchanged or narrower. */
const HANDED_ON = new Set(['Cast', 'Identity', 'Reshape', 'Unsqueeze', 'Squeeze', 'Flatten']);

/** The rows looked up by input_ids. */
function embeddingOf(flow: Flow): string {
  const found: string[] = [];
  const open = ['input_ids'];
  const seen = new Set(open);
  for (let value = open.pop(); value !== undefined; value = open.pop())
    for (const node of flow.readersOf(value)) {
      const [out] = node.outputs;
      if (!out || seen.has(out)) continue;
      const looksUp = node.op === 'Gather' || node.op === 'GatherBlockQuantized';
      if (looksUp && node.inputs[1] === value) found.push(out);
      else if (HANDED_ON.has(node.op) && node.inputs[0] === value) open.push(out);
      else continue;
      seen.add(out);
    }
  if (found.length !== 1)
    throw refused(`${found.length} tables are looked up by input_ids; one is expected, the embedding`);
  return found[0] as string;
}

const PRODUCTS = new Set([
  'MatMul',
  'Gemm',
  'MatMulNBits',
  'MatMulInteger',
  'MatMulIntegerToFloat',
  'DynamicQuantizeMatMul',
  'QLinearMatMul',
  'FusedMatMul',
  'FusedGemm',
  'MatMulBnb4',
]);
/** What may stand between the final norm and the head: other types, other storage, the last position alone. */
const BETWEEN = new Set([
  ...HANDED_ON,
  'Slice',
  'Gather',
  'GatherND',
  'Transpose',
  'QuantizeLinear',
  'DequantizeLinear',
  'DynamicQuantizeLinear',
]);

/** Index of the cut that the head, the last product with a weight before the logits, reads. */
function finalOf(flow: Flow, cuts: Cuts): number {
  const head = headOf(flow, cuts);
  const read = head.inputs.map((value) => flow.lastBefore(value, cuts)).filter((at) => at >= 0);
  let at = Math.max(-1, ...read);
  while (at > 0) {
    const value = cuts.values[at];
    const maker = flow.maker(value ?? '');
    // A cut without a name is the inside of a node with several outputs, such as DynamicQuantizeLinear.
    if (value !== undefined && !(maker && BETWEEN.has(maker.op))) return at;
    at--;
  }
  throw refused('the head does not read the output of a final norm');
}

function headOf(flow: Flow, cuts: Cuts): OnnxNode {
  // A set grows while it is gone through: nearest first.
  const seen = new Set(['logits']);
  const passed: string[] = [];
  for (const value of seen) {
    const node = flow.maker(value);
    if (!node) continue;
    if (PRODUCTS.has(node.op)) return node;
    passed.push(node.op);
    for (const input of node.inputs) if (flow.isAfter(input, cuts)) seen.add(input);
  }
  throw refused(
    `no product with the head’s weights leads to the logits, but ${listed([...new Set(passed)])}`,
  );
}

function checkOrder(taps: readonly number[]): void {
  taps.forEach((at, i) => {
    const last = i === taps.length - 1;
    const what = last ? 'what the head reads' : `what layer ${i + 1} reads`;
    if (at < 0) throw refused(`the keys of layer ${i + 1} do not depend on the embedding`);
    if (i > 0 && at <= (taps[i - 1] as number))
      throw refused(
        `${what} is not one value between it and the layer before (${new Set(taps).size} values for ${taps.length})`,
      );
  });
}
