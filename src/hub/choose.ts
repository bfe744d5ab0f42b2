import {
  INDEX,
  recogniseTokenizer,
  recogniseWeights,
  SMALL_FILES,
  shardOf,
  WEIGHTS,
} from '../contract/checkpoint-files';
import { bytesOf, type DownloadPlan, type RemoteFile } from '../storage/checkpoint-rows';
import { listed } from '../text/quote';
import { HubError } from './errors';
import { fetchJson, type HubAccess, type Repository } from './listing';
import { writeSource } from './source';

/** Which of a repository's files are downloaded, and what of it is left where it is. */

export interface Offer {
  readonly plan: DownloadPlan;
  readonly bytes: number;
  /** What the repository holds besides, by size. */
  readonly leftOut: readonly RemoteFile[];
}

const refused = (repository: Repository, message: string, hint: string) =>
  new HubError('hub', `${writeSource(repository)}: ${message}`, hint);

/** The names of the shards that an index lists. */
function shardsOf(index: unknown, repository: Repository): string[] {
  const map = (index as { weight_map?: unknown } | null)?.weight_map;
  const names = typeof map === 'object' && map !== null ? [...new Set(Object.values(map))] : [];
  if (names.length === 0 || !names.every((name) => typeof name === 'string'))
    throw refused(
      repository,
      `${INDEX} has no weight_map`,
      'The repository is damaged: choose another revision.',
    );
  return names;
}

/**
 * @returns what is downloaded: small files first, so that what cannot be opened is known early
 * @throws HubError where the repository holds no checkpoint that can be opened, saying what it holds
 */
export async function chooseFiles(repository: Repository, access: HubAccess): Promise<Offer> {
  const byPath = new Map(repository.files.map((file) => [file.path, file]));
  const top = [...byPath.keys()].filter((path) => !path.includes('/'));
  const wrong = recogniseWeights(top) ?? recogniseTokenizer(top);
  if (wrong) throw refused(repository, wrong.what, wrong.hint);
  const wanted: string[] = SMALL_FILES.filter((name) => byPath.has(name));
  if (byPath.has(WEIGHTS)) wanted.push(WEIGHTS);
  else if (byPath.has(INDEX))
    wanted.push(INDEX, ...shardsOf(await fetchJson(repository, INDEX, access), repository).sort());
  else {
    const others = top.filter((name) => name.endsWith('.safetensors'));
    const shard = others.find((name) => shardOf(name) !== null);
    throw refused(
      repository,
      others.length === 0
        ? `there is no ${WEIGHTS} among its ${byPath.size} files`
        : shard === undefined
          ? `there is no ${WEIGHTS}, but ${listed(others, 4)}`
          : `its weights are in shards (${shard}), but ${INDEX} is missing`,
      'Choose a repository of a language model in the format of transformers, or download the files and open them from a folder.',
    );
  }
  for (const name of ['config.json', 'tokenizer.json', ...wanted])
    if (!byPath.has(name))
      throw refused(
        repository,
        `${name} is missing`,
        'Choose another revision, or the repository it was made from.',
      );
  const files = wanted.map((name) => byPath.get(name)!);
  const { base, id, revision, commit, licence } = repository;
  return {
    plan: { version: 1, base, id, revision, commit, licence, startedAt: Date.now(), files },
    bytes: bytesOf(files),
    leftOut: repository.files.filter(({ path }) => !wanted.includes(path)).sort((a, b) => b.size - a.size),
  };
}
