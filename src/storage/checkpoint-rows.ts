import { z } from 'zod';

/** The plan and manifest stored beside the files of a downloaded checkpoint, and what they may contain. */

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));

/** Longest path of a file inside its repository. */
const MAX_PATH = 300;
const MAX_FILES = 400;

/** A path inside a repository: no `..`, no empty segment, no character that a file system could misread. */
const path = z
  .string()
  .min(1)
  .max(MAX_PATH)
  .refine(
    (text) =>
      text.split('/').every((step) => step !== '' && step !== '.' && step !== '..') && !/[\\\0]/.test(text),
    'not a path inside a repository',
  );

const fileSchema = z.object({
  path,
  /** Bytes, as the host lists them. */
  size: z.int().min(0),
  /** SHA-256 of the content, where the host gives one (files in Git LFS). */
  sha256: hex(64).nullable(),
  /** SHA-1 of the git blob (of "blob <size>\0" and the content), which the host gives for the other files. */
  gitSha1: hex(40).nullable(),
});
export type RemoteFile = z.infer<typeof fileSchema>;

const shape = {
  version: z.literal(1),
  /** Address of the host, without a trailing slash: `https://huggingface.co`. */
  base: z.string().min(1).max(500),
  /** `org/name`. */
  id: z.string().min(1).max(200),
  /** As requested: a branch, a tag or a commit. */
  revision: z.string().min(1).max(200),
  /** The commit that the revision pointed to when the files were listed; `null` if the host does not say. */
  commit: hex(40).nullable(),
  licence: z.string().max(200).nullable(),
};

/** A download as agreed to, written before its first byte, so that it can be resumed. */
export const planSchema = z.object({
  ...shape,
  startedAt: z.number().min(0).max(8.64e15),
  files: z.array(fileSchema).min(1).max(MAX_FILES),
});
export type DownloadPlan = z.infer<typeof planSchema>;

export const PROOFS = ['sha256', 'git-sha1', 'size'] as const;
/** What a file's content was checked against. */
export type Proof = (typeof PROOFS)[number];

/** Written last: a folder without it holds an unfinished download, whatever else lies there. */
export const manifestSchema = z.object({
  ...shape,
  finishedAt: z.number().min(0).max(8.64e15),
  files: z
    .array(
      fileSchema.extend({
        /** Name in the checkpoint's folder. */
        storedAs: z
          .string()
          .min(1)
          .max(MAX_PATH + 10),
        proof: z.enum(PROOFS),
      }),
    )
    .min(1)
    .max(MAX_FILES),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** 32-bit FNV-1a, in hex: tells apart keys that look the same once special characters are replaced. */
function fnv1a(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/**
 * Name of this checkpoint's folder: the same for the same host, repository, commit and variant of the weights
 * (a repository may have several ONNX exports).
 */
export function keyOf(plan: Pick<DownloadPlan, 'base' | 'id' | 'revision' | 'commit'> & Paths): string {
  const { base, id, revision, commit, files } = plan;
  const exports = files.map(({ path }) => path).filter((name) => name.endsWith('.onnx'));
  const whole = [base, id, commit ?? revision, ...exports].join(' ');
  const plain = `${id}@${commit?.slice(0, 12) ?? revision}`.replaceAll(/[^\w.@-]/g, '_').slice(0, 120);
  return `${plain}-${fnv1a(whole)}`;
}

interface Paths {
  readonly files: readonly Pick<RemoteFile, 'path'>[];
}

/** Name that a repository file has in the checkpoint's folder. */
export const storedName = (file: Pick<RemoteFile, 'path'>): string => file.path.replaceAll('/', '~');

interface Listing {
  readonly files: readonly RemoteFile[];
}

/**
 * What `listing` says of the file of this name: nothing, the same content as far as a host says, or another. The name
 * is not enough: where a host gives no commit, two versions of a repository have one folder.
 */
export function asListed(file: RemoteFile, { files }: Listing): 'unknown' | 'same' | 'another' {
  const listed = files.find(({ path }) => path === file.path);
  if (!listed) return 'unknown';
  const { size, sha256, gitSha1 } = listed;
  return size === file.size && sha256 === file.sha256 && gitSha1 === file.gitSha1 ? 'same' : 'another';
}

/** Whether one listing has another version of a file than the other. */
export const areVersions = (one: Listing, other: Listing): boolean =>
  one.files.some((file) => asListed(file, other) === 'another');

/** Total bytes of the files. */
export const bytesOf = (files: readonly Pick<RemoteFile, 'size'>[]): number =>
  files.reduce((sum, { size }) => sum + size, 0);
