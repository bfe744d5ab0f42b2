import { z } from 'zod';

/** What is written beside the files of a downloaded checkpoint, and what is allowed in it. */

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));

/** Longest path of a file inside its repository. */
const MAX_PATH = 300;
const MAX_FILES = 400;

/** A path inside a repository: no step upwards, no empty step, nothing a file system would take for another. */
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
  /** SHA-256 of the content, where the host names one (files in Git LFS). */
  sha256: hex(64).nullable(),
  /** SHA-1 of the git blob (of "blob <size>\0" and the content), which the host names for the other files. */
  gitSha1: hex(40).nullable(),
});
export type RemoteFile = z.infer<typeof fileSchema>;

const shape = {
  version: z.literal(1),
  /** Address of the host, without a slash at its end: `https://huggingface.co`. */
  base: z.string().min(1).max(500),
  /** `org/name`. */
  id: z.string().min(1).max(200),
  /** As it was asked for: a branch, a tag or a commit. */
  revision: z.string().min(1).max(200),
  /** What the revision stood for when the files were listed; `null` if the host does not say. */
  commit: hex(40).nullable(),
  licence: z.string().max(200).nullable(),
};

/** A download as it was agreed to: written before the first byte, so that it can be resumed. */
export const planSchema = z.object({
  ...shape,
  startedAt: z.number().min(0).max(8.64e15),
  files: z.array(fileSchema).min(1).max(MAX_FILES),
});
export type DownloadPlan = z.infer<typeof planSchema>;

export const PROOFS = ['sha256', 'git-sha1', 'size'] as const;
/** What a file's content was compared with. */
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

/** 32-bit FNV-1a, in hex: tells keys apart that look the same once their signs are replaced. */
function fnv1a(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/**
 * Name of the folder of this checkpoint: the same one for the same host, repository, commit and form of the weights, of which
 * there may be several ONNX exports.
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

/** Name of a repository's file in the checkpoint's folder. */
export const storedName = (file: Pick<RemoteFile, 'path'>): string => file.path.replaceAll('/', '~');

/** Bytes of all files. */
export const bytesOf = (files: readonly Pick<RemoteFile, 'size'>[]): number =>
  files.reduce((sum, { size }) => sum + size, 0);
