import {
  ADAPTER_CONFIG,
  ADAPTER_WEIGHTS,
  INDEX,
  isTorchFile,
  recogniseQuantised,
  recogniseTokenizer,
  recogniseWeights,
  WEIGHTS,
  weightFilesOf,
} from '../contract/checkpoint-files';
import { bytesOf, type RemoteFile } from '../storage/checkpoint-rows';
import { listed, quote } from '../text/quote';
import { HubError } from './errors';
import { fetchJson, type HubAccess, type Repository } from './listing';
import { writeSource } from './source';

/** The variants of a repository's weights that can be opened: those that open from a folder with the same files. */

export interface WeightsChoice {
  readonly id: string;
  readonly files: readonly RemoteFile[];
  /** What else it takes to open it, one sentence each. */
  readonly needs?: readonly string[];
}

export const SAFETENSORS = 'safetensors';
/** A state dict written by torch.save. */
export const TORCH = 'torch';
/** An adapter without its base model. */
export const ADAPTER = 'adapter';

export const refused = (repository: Repository, message: string, hint: string) =>
  new HubError('hub', `${writeSource(repository)}: ${message}`, hint);

/** The files of the repository's top level that hold anything: a published student may have an empty config.json. */
const topOf = ({ files }: Repository): ReadonlyMap<string, RemoteFile> =>
  new Map(files.filter(({ path, size }) => !path.includes('/') && size > 0).map((file) => [file.path, file]));

/** What can be downloaded of a repository, the default first, and its config.json, parsed, if it is read. */
export async function choicesIn(
  repository: Repository,
  access: HubAccess,
): Promise<{ readonly choices: readonly WeightsChoice[]; readonly config: unknown }> {
  const top = topOf(repository);
  const names = [...top.keys()];
  const exports = exportsOf(repository.files);
  const adapter = adapterIn(top);
  const own = await ownWeights(repository, top, access);
  if (own.length === 0 && exports.length === 0 && adapter)
    return { choices: [await loneAdapter(repository, adapter, access)], config: undefined };
  // An export in onnx/ counts as weights, whatever lies beside it.
  const wrong = recogniseWeights(exports.length > 0 ? [...names, 'model.onnx'] : names);
  if (wrong) throw refused(repository, wrong.what, wrong.hint);
  if (exports.length === 0 && own.length === 0) throw nothingToOpen(repository);
  if (!top.has('config.json')) return { choices: [withoutConfig(repository, own, top)], config: undefined };
  refuseWithoutTokenizer(repository, names);
  const config = await fetchJson(repository, 'config.json', access);
  const quantised = own.length === 0 ? null : recogniseQuantised(config);
  if (quantised && exports.length === 0) throw refused(repository, quantised.what, quantised.hint);
  const whole = quantised || own.length === 0 ? [] : [wholeOf(repository, own, adapter ?? [])];
  const isTorch = whole[0]?.id === TORCH;
  // As in a folder, an export comes before a state dict.
  return { choices: isTorch ? [...exports, ...whole] : [...whole, ...exports], config };
}

/** The index, if there is one, and the files that hold the model's own weights. */
async function ownWeights(
  repository: Repository,
  top: ReadonlyMap<string, RemoteFile>,
  access: HubAccess,
): Promise<RemoteFile[]> {
  const index = top.get(INDEX);
  const shards = index && shardsOf(await fetchJson(repository, INDEX, access), repository);
  const files = weightFilesOf([...top.keys()], shards).map((name) => {
    const file = top.get(name);
    if (!file)
      throw refused(repository, `${name} is missing, although ${INDEX} lists it`, 'Choose another revision.');
    return file;
  });
  // A stale index names none of them.
  return index && shards?.includes(files[0]?.path ?? '') ? [index, ...files] : files;
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
  return names;
}

function wholeOf(
  repository: Repository,
  own: readonly RemoteFile[],
  adapter: readonly RemoteFile[],
): WeightsChoice {
  const dicts = own.filter(({ path }) => isTorchFile(path));
  if (dicts.length > 1)
    throw refused(
      repository,
      `it has ${dicts.length} state dicts: ${listed(
        dicts.map(({ path }) => path),
        4,
      )}`,
      'Download the one you want, and open it from a folder with the other files.',
    );
  return { id: dicts.length > 0 ? TORCH : SAFETENSORS, files: [...own, ...adapter] };
}

/** Published students come without a config.json, or with an empty one; so a model that is open must give it. */
function withoutConfig(
  repository: Repository,
  own: readonly RemoteFile[],
  top: ReadonlyMap<string, RemoteFile>,
): WeightsChoice {
  const isEmpty = repository.files.some(({ path }) => path === 'config.json');
  const what = `config.json is ${isEmpty ? 'empty' : 'missing'}`;
  if (own.length === 0)
    throw refused(repository, what, 'Choose another revision, or the repository it was made from.');
  const taken = top.has('tokenizer.json') ? 'it takes config.json' : 'it takes config.json and the tokenizer';
  return {
    ...wholeOf(repository, own, []),
    needs: [
      `${what}: this opens only if it is a published latent-reasoning student (CODI, SIM-CoT, Coconut), and while its base model is open, from which ${taken}.`,
    ],
  };
}

function refuseWithoutTokenizer(repository: Repository, names: readonly string[]): void {
  if (names.includes('tokenizer.json')) return;
  const wrong = recogniseTokenizer(names) ?? {
    what: 'tokenizer.json is missing',
    hint: 'Choose another revision, or the repository it was made from.',
  };
  throw refused(
    repository,
    wrong.what,
    `${wrong.hint} A published latent-reasoning student takes its base’s tokenizer: open its base model, download these files, and open them from a folder.`,
  );
}

function adapterIn(top: ReadonlyMap<string, RemoteFile>): readonly RemoteFile[] | null {
  const config = top.get(ADAPTER_CONFIG);
  const weights = ADAPTER_WEIGHTS.flatMap((name) => top.get(name) ?? [])[0];
  return config && weights ? [config, weights] : null;
}

async function loneAdapter(
  repository: Repository,
  files: readonly RemoteFile[],
  access: HubAccess,
): Promise<WeightsChoice> {
  const config = (await fetchJson(repository, ADAPTER_CONFIG, access)) as Record<string, unknown> | null;
  const base = config?.base_model_name_or_path;
  const named = typeof base === 'string' && base !== '' ? `, ${quote(base)}` : '';
  return {
    id: ADAPTER,
    files,
    needs: [
      `It is an adapter (PEFT) without its base model${named}: it opens while that is open, and is merged into it.`,
    ],
  };
}

const nothingToOpen = (repository: Repository): HubError =>
  refused(
    repository,
    `there is no ${WEIGHTS} among its ${repository.files.length} files, nor weights under another name`,
    'Choose a repository of a language model in the format of transformers.',
  );

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
