import { z } from 'zod';
import { type ReadConfig, readConfigSchema } from './config';
import type { Methods } from './methods/method';
import { accuracySchema, seriesSchema } from './series-schema';
import { SNAPSHOT_STATUS, type SnapshotStatus } from './snapshot-status';
import { WEIGHT_STORAGES } from './weight-storage';

/**
 * A run as it was after a step: enough to train on to the very bits of the run that was never interrupted, or to run its
 * student. A snapshot is one safetensors file, so that it is there whole or not at all, and so that other programs read it:
 * tensors by the parameters' names, everything else as JSON in the file's metadata.
 */
export interface RunSnapshot {
  /** Steps done. */
  readonly step: number;
  /** Steps of the whole run. */
  readonly steps: number;
  readonly status: SnapshotStatus;
  readonly file: Uint8Array<ArrayBuffer>;
}

/** Keys of the file's metadata: what `snapshotHeaderSchema` reads, and the series (`seriesSchema`). */
export const SNAPSHOT_KEYS = { header: 'lori-snapshot', series: 'series' } as const;

/** Prefixes of the tensors' names. `kept/` is the copy with the best validation accuracy, where one is kept. */
export const TENSOR_GROUPS = {
  parameters: 'parameters/',
  first: 'first-moment/',
  second: 'second-moment/',
  kept: 'kept/',
  /** The values that a stage's reference has, where a stage has one. */
  reference: 'reference/',
} as const;

const count = z.int().min(0);
const seconds = z.number().min(0);

/** Everything in a snapshot but its tensors and its series. */
export interface SnapshotHeader extends z.output<ReturnType<typeof headerShape>> {}

const headerShape = (config: z.ZodType<ReadConfig>) =>
  z.strictObject({
    version: z.literal(1),
    config: config.transform((read) => read.config),
    /** Milliseconds since 1970. */
    savedAt: z.number().min(0).max(8.64e15),
    status: z.enum(SNAPSHOT_STATUS),
    /** Steps done, which with the seed decide the batches and the random numbers of the next one. */
    step: count,
    /** The copy in `kept/`: the step it was made after, and the validation problems it solved. */
    kept: z.strictObject({ step: count, correct: count }).nullable(),
    /** sha256 of the models' weights, by name. */
    models: z.record(z.string(), z.string()),
    /** How the matrices of their layers were kept, by name; earlier versions did not say. */
    storages: z.record(z.string(), z.enum(WEIGHT_STORAGES)).optional(),
    provider: z.enum(['webgpu', 'wasm']),
    data: z.strictObject({
      /** Ids of the training samples, in the order of the run. */
      training: z.array(z.string()),
      validation: count,
      heldOut: count,
      /** Of the texts of all of them. */
      sha256: z.string(),
    }),
    seconds: z.strictObject({ teacher: seconds, compile: seconds, train: seconds, evaluate: seconds }),
    /** Of a run that is done. */
    heldOut: accuracySchema.nullable(),
  });

/** What a snapshot's header may be. */
export const snapshotHeaderSchema = (methods: Methods) => headerShape(readConfigSchema(methods));

/** JSON has no NaN and no infinities, which losses may be: they are written as text. */
const writeNumber = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
const readNumber = (_key: string, value: unknown): unknown =>
  value === 'NaN' || value === 'Infinity' || value === '-Infinity' ? Number(value) : value;

export const seriesText = (series: z.input<typeof seriesSchema>): string =>
  JSON.stringify(series, writeNumber);
/** @throws ZodError, SyntaxError */
export const readSeries = (text: string) => seriesSchema.parse(JSON.parse(text, readNumber));
