import type { CallOptions } from '../../contract/calls';
import type { ModelReport, PairReport } from '../../contract/events';
import { type FetchOptions, fetchFile } from '../checkpoint/fetch';
import { parseJson } from '../checkpoint/json';
import { loadCheckpoint } from '../checkpoint/load';
import { type ProblemCodec, problemCodec } from '../data/tokens';
import type { DecoderConfig } from '../nn/config';
import { expectedTensors, packWeights, type Weights } from '../nn/weights';
import { loadTokenizer, type Tokenizer } from '../tokenizer/tokenizer';
import { type Manifest, type ManifestModel, parseManifest } from './manifest';

/** One loaded model. */
export interface LoadedModel {
  readonly config: DecoderConfig;
  readonly endIds: readonly number[];
  readonly weights: Weights;
  readonly report: ModelReport;
}

/** A base and its chain-of-thought teacher, of one shape and one tokenizer. */
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
 * Loads the pair whose manifest.json lies in the folder `url`; every file is checked against its length and sha256.
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
  const total = [manifest.base, manifest.teacher]
    .flatMap((m) => m.files)
    .reduce((n, file) => n + file.bytes, 0);
  let before = 0;
  const get = async (model: ManifestModel, name: string): Promise<ArrayBuffer> => {
    const file = model.files.find((f) => f.name === name);
    const bytes = await fetchFile(`${folder}${model.folder}/${name}`, {
      signal,
      fetch,
      ...(file && { bytes: file.bytes, sha256: file.sha256 }),
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
  const json = async (model: ManifestModel, name: string): Promise<unknown> =>
    parseJson(new Uint8Array(await get(model, name)), name);

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
      endIds: config.eosTokenIds,
      weights: packWeights(config, checkpoint.weights),
      report: describe(model, role, config, config.modelType, bytes.byteLength),
    };
  };
  const base = await load(manifest.base, 'base');
  const teacher = await load(manifest.teacher, 'teacher');
  const tokenizer = await loadTokenizer(
    await json(manifest.base, 'tokenizer.json'),
    await json(manifest.base, 'tokenizer_config.json'),
  );
  const codec = problemCodec(tokenizer, base.endIds);
  const hashes = Object.fromEntries([base, teacher].map((m) => [m.report.name, m.report.sha256]));
  const report2: PairReport = {
    models: [base.report, teacher.report],
    dataset: manifest.data.description,
    seconds: (performance.now() - start) / 1000,
  };
  return { pair: { manifest, base, teacher, tokenizer, codec, hashes }, report: report2 };
}

function describe(
  model: ManifestModel,
  role: ModelReport['role'],
  config: DecoderConfig,
  modelType: string,
  bytes: number,
): ModelReport {
  const file = model.files.find((f) => f.name === 'model.safetensors');
  return {
    name: model.name,
    role,
    modelType,
    parameters: expectedTensors(config).reduce((n, { shape }) => n + shape.reduce((m, d) => m * d, 1), 0),
    bytes,
    sha256: file?.sha256 ?? '',
    layers: config.layers,
    hidden: config.hiddenSize,
    intermediate: config.intermediateSize,
    heads: config.heads,
    kvHeads: config.kvHeads,
    vocabulary: config.vocabSize,
    tied: config.tieWordEmbeddings,
    licence: model.licence,
    measured: model.measured,
  };
}
