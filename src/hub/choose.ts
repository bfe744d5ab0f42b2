import {
  INDEX,
  recogniseQuantised,
  recogniseTokenizer,
  recogniseWeights,
  SMALL_FILES,
  WEIGHTS,
} from '../contract/checkpoint-files';
import { bytesOf, type DownloadPlan, type RemoteFile } from '../storage/checkpoint-rows';
import { listed } from '../text/quote';
import { HubError } from './errors';
import { fetchJson, type HubAccess, listRepository, type Repository } from './listing';
import { type HubSource, writeSource } from './source';

/** Which of a repository's files are downloaded, and which are not. */

/** One variant of the weights: safetensors, or an ONNX export, identified by its path. */
export interface WeightsChoice {
  readonly id: string;
  readonly files: readonly RemoteFile[];
}

export const SAFETENSORS = 'safetensors';

/** What is known of a repository before anything is downloaded. */
export interface Inspected {
  readonly repository: Repository;
  /** The variants of its weights; the first is the default. */
  readonly choices: readonly WeightsChoice[];
  /** config.json, parsed. */
  readonly config: unknown;
}

export interface Offer {
  readonly inspected: Inspected;
  readonly choice: WeightsChoice;
  readonly plan: DownloadPlan;
  readonly bytes: number;
  /** The repository's other files, largest first. */
  readonly leftOut: readonly RemoteFile[];
}

const refused = (repository: Repository, message: string, hint: string) =>
  new HubError('hub', `${writeSource(repository)}: ${message}`, hint);

/**
 * Asks the host for the model's files: its listing, its config.json, and its shard index if it has one.
 * @throws HubError if there is no checkpoint that can be opened, naming what there is instead
 */
export async function inspect(source: HubSource, access: HubAccess): Promise<Inspected> {
  const repository = await listRepository(source, access);
  const paths = repository.files.map(({ path }) => path);
  const exports = exportsOf(repository.files);
  const top = paths.filter((path) => !path.includes('/'));
  // An export in onnx/ counts as weights, whatever lies beside it.
  const names = exports.length > 0 ? [...top, 'model.onnx'] : top;
  const wrong = recogniseWeights(names) ?? recogniseTokenizer(top);
  if (wrong) throw refused(repository, wrong.what, wrong.hint);
  if (exports.length === 0 && !top.includes(WEIGHTS) && !top.includes(INDEX))
    throw nothingToOpen(repository, top);
  for (const name of ['config.json', 'tokenizer.json'])
    if (!top.includes(name))
      throw refused(
        repository,
        `${name} is missing`,
        'Choose another revision, or the repository it was made from.',
      );
  const config = await fetchJson(repository, 'config.json', access);
  const whole = await safetensorsOf(repository, access);
  const quantised = whole === null ? null : recogniseQuantised(config);
  if (quantised && exports.length === 0) throw refused(repository, quantised.what, quantised.hint);
  const choices = [...(whole && !quantised ? [whole] : []), ...exports];
  return { repository, choices, config };
}

function nothingToOpen(repository: Repository, top: readonly string[]): HubError {
  const others = top.filter((name) => name.endsWith('.safetensors'));
  return refused(
    repository,
    others.length === 0
      ? `there is no ${WEIGHTS} among its ${repository.files.length} files`
      : `there is no ${WEIGHTS} and no ${INDEX}, but ${listed(others, 4)}`,
    'Choose a repository of a language model in the format of transformers, or download the files and open them from a folder.',
  );
}

async function safetensorsOf(repository: Repository, access: HubAccess): Promise<WeightsChoice | null> {
  const byPath = new Map(repository.files.map((file) => [file.path, file]));
  const single = byPath.get(WEIGHTS);
  if (single) return { id: SAFETENSORS, files: [single] };
  const index = byPath.get(INDEX);
  if (!index) return null;
  const shards = shardsOf(await fetchJson(repository, INDEX, access), repository).map((name) => {
    const file = byPath.get(name);
    if (!file)
      throw refused(repository, `${name} is missing, although ${INDEX} lists it`, 'Choose another revision.');
    return file;
  });
  return { id: SAFETENSORS, files: [index, ...shards] };
}

/** The shards that an index lists. */
function shardsOf(index: unknown, repository: Repository): string[] {
  const map = (index as { weight_map?: unknown } | null)?.weight_map;
  const names = typeof map === 'object' && map !== null ? [...new Set(Object.values(map))] : [];
  if (names.length === 0 || !names.every((name) => typeof name === 'string' && name.endsWith('.safetensors')))
    throw refused(
      repository,
      `${INDEX} has no weight_map of files in safetensors`,
      'The repository is damaged: choose another revision.',
    );
  return names.sort();
}

/**
 * Names of exports, the most exact first; others come last. The default is the first of at most `COMFORTABLE`
 * bytes.
 */
const EXPORTS = [
  'model',
  'model_fp16',
  'model_quantized',
  'model_int8',
  'model_uint8',
  'model_q4',
  'model_q4f16',
];
const COMFORTABLE = 1.5e9;

function exportsOf(files: readonly RemoteFile[]): WeightsChoice[] {
  const rank = (path: string) => {
    const at = EXPORTS.indexOf(path.replace(/^.*\//, '').replace(/\.onnx$/, ''));
    return at < 0 ? EXPORTS.length : at;
  };
  const found = files
    .filter(({ path }) => /^(onnx\/)?[^/]+\.onnx$/.test(path))
    .map((file) => ({
      id: file.path,
      files: [
        file,
        ...files.filter(
          ({ path }) => /^[._]data(_\d+)?$/.test(path.slice(file.path.length)) && path.startsWith(file.path),
        ),
      ],
    }))
    .sort((a, b) => rank(a.id) - rank(b.id) || (a.id < b.id ? -1 : 1));
  const first = found.find((one) => bytesOf(one.files) <= COMFORTABLE);
  return first ? [first, ...found.filter((one) => one !== first)] : found;
}

/** What is downloaded: small files first, so that a model that cannot be opened is found out early. */
export function offerOf(inspected: Inspected, id = inspected.choices[0]?.id): Offer {
  const { repository, choices } = inspected;
  const choice = choices.find((one) => one.id === id) ?? choices[0]!;
  const small = SMALL_FILES.flatMap((name) => repository.files.find(({ path }) => path === name) ?? []);
  const files = [...small, ...choice.files];
  const { base, revision, commit, licence } = repository;
  return {
    inspected,
    choice,
    plan: { version: 1, base, id: repository.id, revision, commit, licence, startedAt: Date.now(), files },
    bytes: bytesOf(files),
    leftOut: repository.files.filter((file) => !files.includes(file)).sort((a, b) => b.size - a.size),
  };
}
