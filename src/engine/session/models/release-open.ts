/**
 * Published latent-reasoning checkpoints: the model with its adapter merged, the function that makes
 * thoughts, and how the thoughts are fed, as data. Layouts are those of the official repositories; what a
 * file does not say (alpha, the number of thoughts) comes from those repositories' scripts, and is reported
 * as such.
 */
import { FileError } from '../../base/errors';
import { floatsOf } from '../../base/half';
import { sameShape, showShape } from '../../base/shape';
import { type ModelConfig, parseModelConfig } from '../../checkpoint/config';
import { isJsonObject, quote } from '../../checkpoint/json';
import {
  type Layout,
  type PerceptronPart,
  type SortedTensors,
  sortTensors,
} from '../../checkpoint/latent/layouts';
import { matchTensors } from '../../checkpoint/load';
import type { TensorLocation } from '../../checkpoint/locate';
import { checkFloat } from '../../checkpoint/safetensors';
import { StoredWeights } from '../../checkpoint/stored-weights';
import type { Reasoning } from '../../decode/reasoning';
import { type ModuleSpec, moduleParameters } from '../../nn/modules/modules';
import { stopHeadParameters } from '../../nn/modules/stop-head';
import { type Overlay, overlaidSource } from '../../nn/overlay';
import { packedSource, type WeightSource } from '../../nn/weight-source';
import { expectedTensors } from '../../nn/weights';
import { adaptiveReasoning, type StopRows } from './release-adaptive';
import { codiReasoning } from './release-codi';
import type { LatentStudent } from './subjects';

/** A file's tensors in a known layout, with the configuration of their base. */
export interface Release {
  readonly layout: Layout;
  readonly found: ReadonlyMap<string, TensorLocation>;
  /** config.json of the file's own folder, or else of its base. */
  readonly config: unknown;
  /** The id of an added token that the tokenizer knows. */
  readonly tokenId: (text: string) => number | undefined;
}

/** What is known of a release once its headers are read. */
export interface ReadRelease {
  readonly config: ModelConfig;
  readonly tensors: ReadonlyMap<string, TensorLocation>;
  /** All tensors that must be read from the file, by what they are used as. */
  readonly all: ReadonlyMap<string, TensorLocation>;
  readonly notes: readonly string[];
  /** The weights, once the tensors can be read synchronously. */
  weights(): WeightSource;
  latent(): LatentStudent;
}

/** alpha of the published CODI students (scripts of the official repository); the rank is that of the tensors. */
const CODI_ALPHA = 32;

const OTHER = 'Open the checkpoint as it was published, with its base model’s config.json.';

/**
 * @throws FileError, ConfigError naming the tensor, the size or the setting that does not fit
 */
export async function readRelease(release: Release, signal: AbortSignal | undefined): Promise<ReadRelease> {
  const { layout, found } = release;
  const json = release.config;
  if (!isJsonObject(json)) throw new FileError(`config.json contains ${quote(json)}, not settings`, OTHER);
  const sorted = sortTensors(layout, found);
  const rows = rowsOf(sorted, layout);
  const config = parseModelConfig({ ...json, vocab_size: rows });
  const needed = expectedTensors(config);
  const { tensors, notes } = await matchTensors(config, { found: sorted.weights }, needed, signal);
  const module = moduleOf(layout, sorted, config);
  const read: { reasoning: Reasoning; notes: string[]; stop?: StopRows } =
    layout.id === 'adaptive'
      ? adaptiveReasoning(json, module)
      : codiReasoning(layout, { json, rows, module, tokenId: release.tokenId });
  const { reasoning, notes: told, stop } = read;
  const lora = loraOf(sorted, needed);
  const stored = storedTensors(tensors, sorted);
  return {
    config,
    tensors,
    all: stored,
    notes: [
      `The weights are in ${layout.name}: ${tensors.size} tensors of the model${lora.length > 0 ? `, ${2 * lora.length} LoRA factors` : ''}${sorted.thoughts.size > 0 ? `, ${sorted.thoughts.size} of the function that makes thoughts` : ''}.`,
      ...(lora.length > 0
        ? [
            `The LoRA factors are merged as the weights are read: rank ${lora[0]?.rank}, alpha ${CODI_ALPHA} (not in the file; the official scripts’).`,
          ]
        : []),
      ...told,
      ...sorted.notes,
      ...notes,
    ],
    weights: () => {
      const weights = new StoredWeights(stored);
      const plain = packedSource(config, weights);
      if (lora.length === 0) return plain;
      const overlays = new Map(
        lora.map(({ target, rank }): [string, readonly Overlay[]] => [
          target,
          [
            {
              kind: 'lora',
              a: (from, to) => weights.read(`A of ${target}`, from, to),
              b: (from, to) => weights.read(`B of ${target}`, from, to),
              scale: CODI_ALPHA / rank,
            },
          ],
        ]),
      );
      return overlaidSource(config, plain, overlays);
    },
    latent: () => {
      const weights = new StoredWeights(stored);
      const modules = module ? moduleParameters(config, module).map(({ initial: _, ...spec }) => spec) : [];
      const head = stop ? stopHeadParameters(config, stop.head).map(({ initial: _, ...spec }) => spec) : [];
      return {
        reasoning,
        parameters: { adapters: {}, modules: [...modules, ...head] },
        packs: [
          ...modules.map(({ name }) =>
            floatsOf(weights.read(`thoughts ${name.slice(name.indexOf('.') + 1)}`)).slice(),
          ),
          ...(stop ? stopValues(weights, config, stop) : []),
        ],
      };
    },
  };
}

/** Weight [2, H] and bias [2] of the stop head: two rows of the output embedding, over the temperature. */
function stopValues(
  weights: StoredWeights,
  { hiddenSize: H, tieWordEmbeddings }: ModelConfig,
  { rows, temperature }: StopRows,
): Float32Array<ArrayBuffer>[] {
  const name = tieWordEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';
  const weight = new Float32Array(2 * H);
  rows.forEach((row, i) => {
    const values = floatsOf(weights.read(name, row, row + 1));
    for (let j = 0; j < H; j++) weight[i * H + j] = (values[j] as number) / temperature;
  });
  return [weight, new Float32Array(2)];
}

/** The embedding's number of rows, which overrides config.json: the base's does not include added tokens. */
export function rowsOf({ weights }: SortedTensors<TensorLocation>, layout: Layout): number {
  const embedding = [...weights].find(([name]) => /(^|\.)(embed_tokens|wte)\.weight$/.test(name));
  const rows = embedding?.[1].entry.shape[0];
  if (rows === undefined || rows < 1)
    throw new FileError(`the weights are in ${layout.name}, and hold no embedding`, OTHER);
  return rows;
}

/** All tensors by their own names. */
function storedTensors(
  tensors: ReadonlyMap<string, TensorLocation>,
  { lora, thoughts }: SortedTensors<TensorLocation>,
): ReadonlyMap<string, TensorLocation> {
  return new Map([
    ...tensors,
    ...[...lora].flatMap(([name, { a, b }]): [string, TensorLocation][] => [
      [`A of ${name}`, a],
      [`B of ${name}`, b],
    ]),
    ...[...thoughts].map(([part, place]): [string, TensorLocation] => [`thoughts ${part}`, place]),
  ]);
}

function loraOf(
  { lora }: SortedTensors<TensorLocation>,
  needed: ReturnType<typeof expectedTensors>,
): { readonly target: string; readonly rank: number }[] {
  const byName = new Map(needed.map((tensor) => [tensor.name, tensor]));
  return [...lora].map(([target, { a, b }]) => {
    const tensor = byName.get(target);
    if (tensor?.shape.length !== 2)
      throw new FileError(`LoRA factors change ${quote(target)}, which the model does not have`, OTHER);
    const [first, second] = tensor.shape as readonly [number, number];
    const [out, width] = tensor.transposed ? [second, first] : [first, second];
    const rank = a.entry.shape[0] ?? 0;
    checkShape(a, [rank, width]);
    checkShape(b, [out, rank]);
    return { target, rank };
  });
}

function checkShape({ entry }: TensorLocation, shape: readonly number[]): void {
  checkFloat(entry);
  if (!sameShape(entry.shape, shape) || shape.includes(0))
    throw new FileError(
      `tensor ${quote(entry.name)} is ${showShape(entry.shape)}, expected ${showShape(shape)}`,
      OTHER,
    );
}

/** The function that makes thoughts; undefined if the final hidden state is fed as it is. */
function moduleOf(
  layout: Layout,
  { thoughts }: SortedTensors<TensorLocation>,
  { hiddenSize: H }: ModelConfig,
): ModuleSpec | undefined {
  if (thoughts.size === 0) return undefined;
  const norm = thoughts.has('norm.weight');
  const parts: PerceptronPart[] = ['in.weight', 'in.bias', 'out.weight', 'out.bias'];
  if (norm) parts.push('norm.weight', 'norm.bias');
  const missing = parts.find((part) => !thoughts.has(part));
  const first = thoughts.get('in.weight')?.entry.shape;
  if (missing !== undefined || parts.length !== thoughts.size || first === undefined)
    throw new FileError(
      `the function that makes thoughts has ${thoughts.size} tensors and lacks ${quote(missing ?? 'norm.weight')}`,
      OTHER,
    );
  const P = first[0] ?? 0;
  const shapes: Record<PerceptronPart, readonly number[]> = {
    'in.weight': [P, H],
    'in.bias': [P],
    'out.weight': [H, P],
    'out.bias': [H],
    'norm.weight': [H],
    'norm.bias': [H],
  };
  for (const part of parts) checkShape(thoughts.get(part) as TensorLocation, shapes[part]);
  if (layout.id !== 'adaptive') return { kind: 'projection', name: 'projection', width: P, norm };
  if (P !== H || !norm)
    throw new FileError(
      `the recurrent filter is ${P} wide${norm ? '' : ' and has no LayerNorm'}; expected ${H} with one`,
      OTHER,
    );
  return { kind: 'recurrentFilter', name: 'filter' };
}
