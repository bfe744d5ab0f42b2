import { z } from 'zod';
import type { RemoteFile } from '../storage/checkpoint-rows';
import { readJson } from '../text/json';
import { HubError } from './errors';
import {
  LIMITS,
  type Limits,
  persistently,
  refuseAnswer,
  requestInit,
  unlessStalled,
  type Waiting,
} from './request';
import { apiOf, fileAddress, type HubSource, hostOf, isDataSet, nameOf } from './source';

/** What a repository holds, from the Hub's API, before anything is downloaded. */

export interface Repository extends HubSource {
  /** The commit that the revision points to now. */
  readonly commit: string | null;
  readonly licence: string | null;
  readonly files: readonly RemoteFile[];
}

export interface HubAccess {
  readonly signal: AbortSignal;
  readonly token?: string | null;
  readonly limits?: Limits;
  /** Replaces the global fetch, for tests. */
  readonly fetch?: typeof fetch;
  /** For requests in the middle of something long, which is worth waiting for. */
  readonly patient?: {
    /** `null`: no longer waiting. */
    readonly onWait: (waiting: Waiting | null) => void;
    /** How much has arrived so far. */
    readonly received: () => number;
  };
}

/** Bytes of the largest response that is read at once. */
const MAX_LISTING = 32 * 2 ** 20;

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));

const size = z.int().min(0);
const repositorySchema = z.object({
  sha: hex(40).nullish(),
  cardData: z.object({ license: z.unknown() }).nullish().catch(null),
  siblings: z
    .array(
      z.object({
        rfilename: z.string(),
        size: size.nullish(),
        blobId: hex(40).nullish().catch(null),
        lfs: z.object({ sha256: hex(64).nullish(), oid: hex(64).nullish(), size: size.nullish() }).nullish(),
      }),
    )
    .max(20_000),
});

const treeSchema = z
  .array(
    z.object({
      type: z.string(),
      path: z.string(),
      size: size.nullish(),
      oid: hex(40).nullish().catch(null),
      lfs: z.object({ oid: hex(64).nullish(), size: size.nullish() }).nullish(),
    }),
  )
  .max(20_000);

/**
 * The files of a repository, with sizes and hashes. Takes one or two requests of a few kB.
 * @throws HubError
 */
export async function listRepository(source: HubSource, access: HubAccess): Promise<Repository> {
  const revision = encodeURIComponent(source.revision);
  const what = `${isDataSet(source) ? 'a data set' : 'a model'} ${nameOf(source)} at revision ${source.revision}`;
  const about = `${apiOf(source)}/revision/${revision}?blobs=true`;
  const answer = await fetchSmall(about, source.base, what, access);
  const parsed = repositorySchema.safeParse(readListing(answer, source));
  if (!parsed.success) throw notAHub(source, parsed.error.issues[0]?.message);
  const { sha, cardData, siblings } = parsed.data;
  const whole: HubSource & { commit: string | null } = { ...source, commit: sha ?? null };
  const licence = typeof cardData?.license === 'string' ? cardData.license.slice(0, 200) : null;
  const files = siblings.map(({ rfilename, size: plain, blobId, lfs }): RemoteFile | null =>
    remoteFile(rfilename, lfs?.size ?? plain, lfs?.sha256 ?? lfs?.oid, lfs ? null : blobId),
  );
  // If the listing has no sizes, the tree has them.
  const known = files.every((file) => file !== null) ? files : await listTree(whole, what, access);
  return { ...whole, licence, files: known as RemoteFile[] };
}

async function listTree(source: HubSource & { commit: string | null }, what: string, access: HubAccess) {
  const revision = encodeURIComponent(source.commit ?? source.revision);
  // Models have their files at the top.
  const tree = `${apiOf(source)}/tree/${revision}${isDataSet(source) ? '?recursive=true' : ''}`;
  const parsed = treeSchema.safeParse(readListing(await fetchSmall(tree, source.base, what, access), source));
  if (!parsed.success) throw notAHub(source, parsed.error.issues[0]?.message);
  return parsed.data
    .filter(({ type }) => type === 'file')
    .map(({ path, size: plain, oid, lfs }) => {
      const file = remoteFile(path, lfs?.size ?? plain, lfs?.oid, lfs ? null : oid);
      if (file === null) throw notAHub(source, `no size of ${path}`);
      return file;
    });
}

const remoteFile = (
  path: string,
  bytes: number | null | undefined,
  sha256: string | null | undefined,
  gitSha1: string | null | undefined,
): RemoteFile | null =>
  bytes === null || bytes === undefined
    ? null
    : { path, size: bytes, sha256: sha256 ?? null, gitSha1: gitSha1 ?? null };

const notAHub = (source: HubSource, why = 'it is not JSON') =>
  new HubError(
    'hub',
    `${hostOf(source)} did not respond like the Hub (${why})`,
    `Check the address: it must be a mirror of huggingface.co with its API (/api/${isDataSet(source) ? 'datasets' : 'models'}/…).`,
  );

function readListing(bytes: Uint8Array, source: HubSource): unknown {
  try {
    return readJson(bytes);
  } catch (cause) {
    throw notAHub(source, cause instanceof Error ? cause.message : String(cause));
  }
}

/**
 * A small file of the repository, as JSON: config.json, or the shard index, which says what else is needed.
 * @throws HubError, also for a file that is damaged
 */
export async function fetchJson(repository: Repository, path: string, access: HubAccess): Promise<unknown> {
  const bytes = await fetchSmall(
    fileAddress(repository, path),
    repository.base,
    `${path} of ${repository.id}`,
    access,
  );
  try {
    return readJson(bytes);
  } catch (cause) {
    throw new HubError(
      'hub',
      `${path} of ${repository.id} is ${bytes.length === 0 ? 'empty' : `not JSON (${cause instanceof Error ? cause.message : String(cause)})`}`,
      'The file is damaged there: choose another revision, or download the files and open them from a folder with a whole one.',
    );
  }
}

/** Reads a small response at once. Rejects beyond `MAX_LISTING`, or if no byte comes for `limits.stall`. */
export async function fetchSmall(
  url: string,
  base: string,
  what: string,
  access: HubAccess,
): Promise<Uint8Array> {
  const { signal, token = null, limits = LIMITS, fetch: ask = globalThis.fetch, patient } = access;
  const answer = await persistently(
    () =>
      unlessStalled(
        async (both, arm) => {
          const response = await ask(url, { ...requestInit(base, token), signal: both });
          refuseAnswer(response, base, what, limits);
          return readSmall(response, what, arm);
        },
        base,
        limits,
        signal,
        (thrown) => thrown instanceof HubError,
      ),
    what,
    // With nothing else to look at meanwhile, the user is not left to wait for long.
    patient ? limits : { ...limits, attempts: Math.min(limits.attempts, 3) },
    signal,
    patient?.received,
    patient?.onWait,
  );
  patient?.onWait(null);
  return answer;
}

async function readSmall(response: Response, what: string, arm: () => void): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true as const, value: undefined };
    if (done) break;
    arm();
    parts.push(value);
    length += value.length;
    if (length > MAX_LISTING) {
      void reader?.cancel();
      throw new HubError(
        'hub',
        `the answer about ${what} is larger than ${MAX_LISTING} bytes`,
        'Choose another host.',
      );
    }
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
