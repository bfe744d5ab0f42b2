import type { CallOptions } from '../../../contract/calls';
import { listed, quote } from '../../../text/quote';
import { ConfigError, FileError, throwIfCancelled } from '../../base/errors';
import { refuseOtherFormats, startOf } from '../../checkpoint/other-formats';
import type { ByteSource } from '../../checkpoint/source';
import { elementName, FLOAT16 } from '../../onnx/read/elements';
import { type OnnxModel, readOnnxModel } from '../../onnx/read/model';
import { type DecoderGraph, findResiduals } from '../../onnx/read/residuals';
import { GENERATION_CONFIG, withGenerationEnds } from './generation-config';
import { nameOf } from './model-name';
import { type OnnxConfig, onnxConfig } from './onnx-config';
import type { OnnxExport } from './onnx-export';
import { endIdsOf, type LoadedModel } from './pair';
import type { OpenedModel } from './subjects';
import { openTokenizer } from './tokenizer-files';

/** How the files of a checkpoint are read; see `openModel`. */
export interface OpenedFiles {
  readonly byName: ReadonlyMap<string, Blob>;
  /** @throws FileError if it is missing or not JSON */
  json(name: string): Promise<unknown>;
  source(blob: Blob): ByteSource;
  /** A hash of samples of the files. */
  fingerprint(files: readonly Blob[]): Promise<string>;
}

/** The names that exports have, the most exact first. */
const PREFERRED = [
  'model.onnx',
  'decoder_with_past_model.onnx',
  'decoder_model.onnx',
  'model_fp16.onnx',
  'model_quantized.onnx',
  'model_int8.onnx',
  'model_uint8.onnx',
  'model_q4f16.onnx',
  'model_q4.onnx',
];

/** The ONNX files among those of a checkpoint without safetensors, the one to open first. */
export function onnxFilesOf(byName: ReadonlyMap<string, Blob>): readonly string[] {
  const names = [...byName.keys()];
  if (names.some((name) => name.endsWith('.safetensors'))) return [];
  const rank = (name: string): number =>
    (PREFERRED.indexOf(name) + PREFERRED.length + 1) % (PREFERRED.length + 1);
  return names.filter((name) => name.endsWith('.onnx')).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/**
 * Opens an ONNX export for examination: reads its graph and finds its hidden states there; weights are read
 * when it is first run.
 * @param names from `onnxFilesOf`; the first is opened
 * @throws FileError naming what is missing or damaged, ConfigError if config.json and graph disagree or no
 * hidden states are found, CancelledError
 */
export async function openOnnx(
  names: readonly string[],
  files: OpenedFiles,
  { signal, report }: CallOptions = {},
): Promise<OpenedModel> {
  const start = performance.now();
  const [name, ...unused] = names as [string, ...string[]];
  const json = await files.json('config.json');
  const blob = files.byName.get(name) as Blob;
  const tell = (done: number): void => {
    throwIfCancelled(signal, 'opening the checkpoint');
    report?.({ phase: 'load', done, total: blob.size, unit: 'bytes', elapsed: performance.now() - start });
  };
  tell(0);
  const file = files.source(blob);
  refuseOtherFormats(await startOf(file), name);
  const model = await readOnnxModel(file, tell);
  const decoder = findResiduals(model);
  const config = onnxConfig(json, decoder);
  const others = await otherFiles(name, model, files);
  const { tokenizer, notes } = await openTokenizer(files.byName, (name) => files.json(name), config);
  const ends = withGenerationEnds(
    endIdsOf(config, tokenizer),
    files.byName.has(GENERATION_CONFIG) ? await files.json(GENERATION_CONFIG) : undefined,
    config.vocabSize,
  );
  const blobs = [blob, ...others.values()];
  const sha256 = await files.fingerprint(blobs);
  tell(blob.size);
  const sources = new Map([...others].map(([other, data]) => [other, files.source(data)]));
  const onnx: OnnxExport = { name, model, decoder, file, others: sources, sizes: config };
  const named = nameOf(json);
  const more = unused.length > 0 ? [chosenAmong(name, unused)] : [];
  return {
    tokenizer,
    model: loaded(onnx, config, {
      name: named === '' ? name : `${named} (${name})`,
      bytes: blobs.reduce((n, { size }) => n + size, 0),
      sha256,
      notes: [
        ONLY_SEEN,
        ...more,
        ...storageOf(name, model),
        ...cacheNote(name, decoder),
        ...config.notes,
        ...notes,
        ...ends.notes,
      ],
      endIds: ends.endIds,
    }),
  };
}

const ONLY_SEEN =
  'This is an ONNX export: its hidden states can be examined and it can generate text, but it allows neither training nor interventions. For that, open the safetensors of the same model.';

const chosenAmong = (name: string, unused: readonly string[]): string =>
  `${name} was opened; for ${listed(unused)}, choose that file without the others, with config.json and tokenizer.json.`;

/** The files that hold weights, by name. @throws FileError if one is missing or too short */
async function otherFiles(
  name: string,
  { tensors }: OnnxModel,
  { byName, source }: OpenedFiles,
): Promise<Map<string, Blob>> {
  const found = new Map<string, Blob>();
  for (const { data, name: weight } of tensors.values()) {
    if (data.in !== 'other') continue;
    const blob = byName.get(data.location);
    if (!blob)
      throw new FileError(
        `${name} keeps its weights in ${quote(data.location)}, which is missing; given: ${listed([...byName.keys()].map(quote), 12)}`,
        `Choose ${data.location} together with ${name}.`,
      );
    if (!found.has(data.location)) refuseOtherFormats(await startOf(source(blob)), data.location);
    if (data.offset + data.length > blob.size)
      throw new FileError(
        `the weight ${quote(weight)} takes ${data.length} bytes from ${data.offset} of ${data.location}, which has ${blob.size}`,
        `Get ${data.location} from its source again: it is truncated, or belongs to another export.`,
      );
    found.set(data.location, blob);
  }
  return found;
}

/** The number types of its weights, other than float32. */
function storageOf(name: string, { nodes, inputs }: OnnxModel): string[] {
  const ops = new Set(nodes.map(({ op }) => op));
  const kinds = [
    ['MatMulNBits', 'weights of few bits in blocks'],
    ['MatMulInteger', 'weights and activations of 8 bits'],
    ['DynamicQuantizeMatMul', 'weights and activations of 8 bits'],
    ['QLinearMatMul', 'weights and activations of 8 bits'],
    ['MatMulBnb4', 'weights of 4 bits'],
  ].filter(([op]) => ops.has(op as string));
  const half = inputs.some(({ element }) => element === FLOAT16);
  const what = [...new Set(kinds.map(([, text]) => text as string)), ...(half ? [elementName(FLOAT16)] : [])];
  return what.length === 0
    ? []
    : [`${name} computes with ${what.join(' and ')}: its hidden states are those of this rounded model.`];
}

/** Where keys and values come out in another type than they go in. */
const cacheNote = (name: string, { caches }: DecoderGraph): string[] =>
  caches.every(({ goesBack }) => goesBack)
    ? []
    : [
        `${name} gives keys and values in another number type than it takes them in: they are not fed back, and all of a text is read again for each token.`,
      ];

interface Facts {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly notes: readonly string[];
  readonly endIds: readonly number[];
}

function loaded(onnx: OnnxExport, config: OnnxConfig, { endIds, ...facts }: Facts): LoadedModel {
  const { layers, hiddenSize, intermediateSize, heads, kvHeads, vocabSize, modelType } = config;
  const model = {
    config,
    endIds,
    onnx,
    report: {
      ...facts,
      role: 'opened' as const,
      modelType,
      parameters: parametersOf(onnx.model),
      layers,
      hidden: hiddenSize,
      intermediate: intermediateSize,
      heads,
      kvHeads,
      vocabulary: vocabSize,
      tied: config.tieWordEmbeddings,
      licence: 'unknown',
      measured: [],
      sampled: true,
    },
  };
  // Refuses everything that needs weights, even code that does not know about ONNX exports.
  return Object.defineProperty(model, 'weights', {
    get: () => {
      throw withoutWeights(onnx.name);
    },
  }) as typeof model & Pick<LoadedModel, 'weights'>;
}

export const withoutWeights = (name: string, what = 'this'): ConfigError =>
  new ConfigError(
    `${what} works on a model’s weights; ${name} is an ONNX export, which can only be run as it is`,
    'Open the safetensors of the same model.',
  );

/** Number of values in the tables and matrices, as far as each is stored individually. */
function parametersOf({ tensors, nodes }: OnnxModel): number {
  const packed = new Map<string, number>();
  for (const { op, inputs, integers } of nodes)
    if (op === 'MatMulNBits') packed.set(inputs[1] ?? '', 8 / (integers.bits ?? 4));
    else if (op === 'GatherBlockQuantized') packed.set(inputs[0] ?? '', 8 / (integers.bits ?? 4));
  let count = 0;
  for (const { name, dims } of tensors.values())
    if (dims.length >= 2) count += dims.reduce((n, d) => n * d, packed.get(name) ?? 1);
  return Math.round(count);
}
