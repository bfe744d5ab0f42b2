import { z } from 'zod';
import type { SavedRun } from './saved-run';

/**
 * A run bundle: a run as one zip. Everything in it is a file that other programs read too; `bundle.json` names them all with
 * their hashes, so that a bundle is whole or is refused.
 */
export const BUNDLE_FILES = {
  /** What it is, where it was computed, and which files there are. */
  about: 'bundle.json',
  /** Configuration, result, name and tags: the run as the page stores it, without its curves. */
  run: 'run.json',
  /** Its curves. */
  series: 'series.json',
  /** Ids of the rows that it used. */
  data: 'data.json',
  /** Everything that was trained, and the moments of a run that can go on: the snapshot as it was kept. */
  student: 'student.safetensors',
  readme: 'README.md',
} as const;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const text = z.string().max(500);
const count = z.int().min(0);

/** The machine that packed a bundle, and that of the run. */
const environmentSchema = z.strictObject({
  /** On which the run was computed last. */
  trainedOn: z.enum(['webgpu', 'wasm']),
  packedOn: z
    .strictObject({
      provider: z.enum(['webgpu', 'wasm']),
      threads: count,
      crossOriginIsolated: z.boolean(),
      runtime: text,
      adapter: text.nullable(),
    })
    .nullable(),
});
export type BundleEnvironment = z.output<typeof environmentSchema>;

/** `bundle.json` */
export const bundleAboutSchema = z.strictObject({
  kind: z.literal('lori-run-bundle'),
  version: z.literal(1),
  about: text,
  environment: environmentSchema,
  /** SHA-256 of the models' weights, by name. */
  models: z.record(z.string().max(200), z.string().max(200)),
  student: z.strictObject({ step: count, steps: count, status: z.enum(['training', 'stopped', 'done']) }),
  files: z.record(z.string().max(200), z.strictObject({ bytes: count, sha256 })),
});
export type BundleAbout = z.output<typeof bundleAboutSchema>;

/** Zip of a run: `bundle` for this playground, `torch` a program that trains on from its checkpoint in PyTorch. */
export const RUN_FORMATS = ['bundle', 'torch'] as const;
export type RunFormat = (typeof RUN_FORMATS)[number];

export interface RunExportRequest {
  readonly format: RunFormat;
  readonly run: SavedRun;
  /** The snapshot that is kept of it. */
  readonly student: Uint8Array<ArrayBuffer>;
}

/** A run that was read from a bundle. */
export interface OpenedRun {
  readonly run: SavedRun;
  readonly student: Uint8Array<ArrayBuffer>;
  readonly step: number;
  readonly steps: number;
  readonly status: BundleAbout['student']['status'];
  /** What is to be known of it, a sentence each. */
  readonly notes: readonly string[];
}
