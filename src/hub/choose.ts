import { PCCOT_FILE, SMALL_FILES, STUDENT_FILES } from '../contract/checkpoint-files';
import { STUDENT_FILE } from '../contract/model-files';
import { bytesOf, type DownloadPlan, type RemoteFile } from '../storage/checkpoint-rows';
import { type HubAccess, listRepository, type Repository } from './listing';
import type { HubSource } from './source';
import { ADAPTER, choicesIn, SAFETENSORS, TORCH, type WeightsChoice } from './weights';

export { SAFETENSORS };

/** Which of a repository's files are downloaded, and which are not. */

/** What is known of a repository before anything is downloaded. */
export interface Inspected {
  readonly repository: Repository;
  /** The variants of its weights; the first is the default. */
  readonly choices: readonly WeightsChoice[];
  /** config.json, parsed; undefined if there is none, or an adapter's beside which it says nothing of the base. */
  readonly config: unknown;
}

export interface Offer {
  readonly inspected: Inspected;
  readonly choice: WeightsChoice;
  /** Whether config.json describes what would be opened: an export is read by its own graph, an adapter by its base. */
  readonly isDescribed: boolean;
  readonly plan: DownloadPlan;
  readonly bytes: number;
  /** The repository's other files, largest first. */
  readonly leftOut: readonly RemoteFile[];
}

/**
 * Asks the host for the model's files: its listing, its config.json (of an adapter adapter_config.json), and
 * its shard index if it has one.
 * @throws HubError if there is no checkpoint that can be opened, naming what there is instead
 */
export async function inspect(source: HubSource, access: HubAccess): Promise<Inspected> {
  const repository = await listRepository(source, access);
  return { repository, ...(await choicesIn(repository, access)) };
}

/** What is downloaded: small files first, so that a model that cannot be opened is found out early. */
export function offerOf(inspected: Inspected, id = inspected.choices[0]?.id): Offer {
  const { repository, choices } = inspected;
  const choice = choices.find((one) => one.id === id) ?? choices[0]!;
  const files = [...besideOf(choice, repository.files), ...choice.files];
  const { base, revision, commit, licence } = repository;
  return {
    inspected,
    choice,
    isDescribed: inspected.config !== undefined && (choice.id === SAFETENSORS || choice.id === TORCH),
    plan: { version: 1, base, id: repository.id, revision, commit, licence, startedAt: Date.now(), files },
    bytes: bytesOf(files),
    leftOut: repository.files.filter((file) => !files.includes(file)).sort((a, b) => b.size - a.size),
  };
}

/** The small files, and those that say how a student reasons. Empty ones say nothing. */
function besideOf({ id }: WeightsChoice, files: readonly RemoteFile[]): readonly RemoteFile[] {
  const there = (name: string) => files.find(({ path, size }) => path === name && size > 0) ?? [];
  const isStudent = [there(STUDENT_FILE)].flat().length > 0;
  const students = STUDENT_FILES.filter((name) => (name === PCCOT_FILE ? id === ADAPTER : isStudent));
  const hasWeights = [SAFETENSORS, TORCH, ADAPTER].includes(id);
  return [...SMALL_FILES, ...(hasWeights ? students : [])].flatMap(there);
}
