import type { CallOptions } from '../../../contract/calls';
import type { ModelOptions, ModelReport, PairReport } from '../../../contract/events';
import { ConfigError, FileError } from '../../base/errors';
import type { ModelConfig } from '../../checkpoint/config';
import { type FetchOptions, fetchFile } from '../../checkpoint/fetch';
import { parseJson } from '../../checkpoint/json';
import { loadCheckpoint } from '../../checkpoint/load';
import { type ProblemCodec, problemCodec } from '../../data/tokens';
import type { DecoderConfig } from '../../nn/config';
import { memorySource, type WeightSource } from '../../nn/weight-source';
import { expectedTensors, packWeights } from '../../nn/weights';
import { loadTokenizer, type Tokenizer } from '../../tokenizer/tokenizer';
import { type Manifest, type ManifestModel, parseManifest } from './manifest';
import type { OnnxExport } from './onnx-export';
import { SOURCES } from './sources';

/** The files of a teacher that are read: its tokenizer is the base's. */
const MODEL_FILES: readonly string[] = ['config.json', 'model.safetensors'];

/** One loaded model. */
export interface LoadedModel {
  readonly config: DecoderConfig;
  readonly endIds: readonly number[];
  readonly weights: WeightSource;
  readonly report: ModelReport;
  /** config.json and the other small files of its folder, by name, for exporting it; absent for an ONNX export. */
  readonly files?: ReadonlyMap<string, Blob>;
  /** An ONNX export: it is run as it is and has no `weights` (reading them throws ConfigError). */
  readonly onnx?: OnnxExport;
}

/** Models that answer questions in the tokens of one tokenizer. */
export type AnsweringModels = Pick<Pair, 'base' | 'teacher' | 'tokenizer' | 'codec'>;

/** A base and its chain-of-thought teacher, with the same shape and tokenizer. */
export interface Pair {
  readonly manifest: Manifest;
  readonly base: LoadedModel;
  readonly teacher: LoadedModel;
  readonly tokenizer: Tokenizer;
  readonly codec: ProblemCodec;
  /** sha256 of each model's weights, by name. */
  readonly hashes: Readonly<Record<string, string>>;
}

/**
 * Loads the pair whose manifest.json is in the folder `url`; every file is checked against its length and sha256.
 * @throws FileError, ConfigError naming the file and what is wrong with it
 */
export async function loadPair(
  url: string,
  options: CallOptions & { fetch?: FetchOptions['fetch'] } = {},
): Promise<{ pair: Pair; report: PairReport }> {
  const start = performance.now();
  const folder = url.endsWith('/') ? url : `${url}/`;
  const { signal, report, fetch } = options;
  const manifest = parseManifest(
    parseJson(new Uint8Array(await fetchFile(`${folder}manifest.json`, { signal, fetch })), 'manifest.json'),
  );
  const total = [
    ...manifest.base.files,
    ...manifest.teacher.files.filter((f) => MODEL_FILES.includes(f.name)),
  ].reduce((n, file) => n + file.bytes, 0);
  let before = 0;
  const get = async (model: ManifestModel, name: string): Promise<ArrayBuffer> => {
    const file = model.files.find((f) => f.name === name);
    if (!file)
      throw new FileError(
        `manifest.json lists no ${name} for ${model.name}, so that it cannot be checked`,
        'Restore the models folder.',
      );
    const bytes = await fetchFile(`${folder}${model.folder}/${name}`, {
      signal,
      fetch,
      bytes: file.bytes,
      sha256: file.sha256,
      onProgress: (loaded) =>
        report?.({
          phase: 'load',
          done: before + loaded,
          total,
          unit: 'bytes',
          elapsed: performance.now() - start,
        }),
    });
    before += bytes.byteLength;
    return bytes;
  };
  const small = new Map<string, Blob>();
  const json = async (model: ManifestModel, name: string): Promise<unknown> => {
    const bytes = new Uint8Array(await get(model, name));
    small.set(name, new Blob([bytes]));
    return parseJson(bytes, name);
  };

  const tokenizer = await loadTokenizer(
    await json(manifest.base, 'tokenizer.json'),
    await json(manifest.base, 'tokenizer_config.json'),
  );
  const load = async (model: ManifestModel, role: ModelReport['role']): Promise<LoadedModel> => {
    const configJson = await json(model, 'config.json');
    const bytes = await get(model, 'model.safetensors');
    const checkpoint = await loadCheckpoint(
      { config: configJson, weights: new Map([['model.safetensors', bytes]]) },
      expectedTensors,
    );
    const { config } = checkpoint;
    return {
      config,
      endIds: endIdsOf(config, tokenizer),
      files: new Map(small),
      weights: memorySource(packWeights(config, checkpoint.weights)),
      report: describeModel(
        {
          name: model.name,
          role,
          bytes: bytes.byteLength,
          sha256: model.files.find((f) => f.name === 'model.safetensors')?.sha256 ?? '',
          licence: model.licence,
          measured: model.measured,
          notes: checkpoint.notes,
        },
        config,
      ),
    };
  };
  const base = await load(manifest.base, 'base');
  const teacher = await load(manifest.teacher, 'teacher');
  checkPair(manifest, base.config, teacher.config, tokenizer);
  const codec = problemCodec(tokenizer, base.endIds);
  const hashes = Object.fromEntries([base, teacher].map((m) => [m.report.name, m.report.sha256]));
  const report2: PairReport = {
    models: [base.report, teacher.report],
    dataset: manifest.data.description,
    knows: SOURCES[manifest.data.problems].knows(),
    seconds: (performance.now() - start) / 1000,
  };
  return { pair: { manifest, base, teacher, tokenizer, codec, hashes }, report: report2 };
}

/** Base and teacher, each with the tokenizer that they share. */
export const modelsOf = ({ base, teacher, tokenizer }: Pair) =>
  [base, teacher].map((model) => ({ model, tokenizer }));

/** The losses compare hidden states, so the models must match. @throws ConfigError */
function checkPair(
  manifest: Manifest,
  base: DecoderConfig,
  teacher: DecoderConfig,
  tokenizer: Tokenizer,
): void {
  const names = { layers: 'layers', hiddenSize: 'hidden size', vocabSize: 'vocabulary' } as const;
  for (const [key, name] of Object.entries(names) as [keyof typeof names, string][])
    if (base[key] !== teacher[key])
      throw new ConfigError(
        `base and teacher differ in their ${name}: ${base[key]} and ${teacher[key]}`,
        'Choose a teacher that was fine-tuned from this base.',
      );
  const hashOf = (model: ManifestModel) => model.files.find((f) => f.name === 'tokenizer.json')?.sha256;
  const own = hashOf(manifest.teacher);
  if (own !== undefined && own !== hashOf(manifest.base))
    throw new ConfigError(
      'base and teacher have different tokenizers',
      'Choose a teacher that was fine-tuned from this base.',
    );
  checkVocabulary(tokenizer, base);
}

/** @throws ConfigError if the tokenizer has tokens that the model does not know */
function checkVocabulary(tokenizer: Tokenizer, { vocabSize }: DecoderConfig): void {
  if (tokenizer.vocabSize > vocabSize)
    throw new ConfigError(
      `the tokenizer has ${tokenizer.vocabSize} tokens, the model ${vocabSize}`,
      'Use a model and a tokenizer from the same checkpoint.',
    );
}

type Origin = Pick<
  ModelReport,
  'name' | 'role' | 'bytes' | 'sha256' | 'licence' | 'measured' | 'notes' | 'matched'
>;

/** The report on a model: where it comes from, and its configuration. */
export function describeModel(
  { name, role, bytes, sha256, licence, measured, matched, notes = [] }: Origin,
  config: ModelConfig,
): ModelReport {
  return {
    name,
    role,
    modelType: config.modelType,
    parameters: parametersOf(config),
    bytes,
    sha256,
    layers: config.layers,
    hidden: config.hiddenSize,
    intermediate: config.intermediateSize,
    heads: config.heads,
    kvHeads: config.kvHeads,
    vocabulary: config.vocabSize,
    headDim: config.headDim,
    tied: config.tieWordEmbeddings,
    options: optionsOf(config),
    licence,
    measured,
    ...(matched && { matched }),
    ...(notes.length > 0 && { notes }),
  };
}

function optionsOf(config: ModelConfig): ModelOptions {
  const { headDim, norm = 'rms', qkNorm = false, activation = 'swiglu', maxPositions, ropeScaling } = config;
  const biases = {
    'q, k, v': config.attentionBias,
    o: config.attentionOutputBias,
    MLP: config.mlpBias,
  } as const;
  return {
    headDim,
    norm,
    qkNorm,
    activation,
    positions:
      config.positions === 'learned'
        ? { kind: 'learned' }
        : {
            kind: 'rope',
            theta: config.ropeTheta,
            ...(ropeScaling && { scaling: { type: ropeScaling.type, factor: ropeScaling.factor } }),
          },
    maxPositions,
    biases: (Object.keys(biases) as (keyof typeof biases)[]).filter((name) => biases[name]),
  };
}

export const parametersOf = (config: DecoderConfig): number =>
  expectedTensors(config).reduce((n, { shape }) => n + shape.reduce((m, d) => m * d, 1), 0);

/** The ids that end a text: config.json's, or else the tokenizer's, possibly none. */
export const endIdsOf = (
  config: Pick<ModelConfig, 'eosTokenIds'>,
  { eosTokenId }: Tokenizer,
): readonly number[] =>
  config.eosTokenIds.length > 0 ? config.eosTokenIds : [eosTokenId].filter((id) => id !== undefined);
