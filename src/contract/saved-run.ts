import { z } from 'zod';
import { type ReadConfig, type RunConfig, readConfigSchema } from './config';
import { METHODS } from './methods/index';
import type { Methods } from './methods/method';
import { once } from './once';
import { dataUsedSchema } from './roles';
import { accuracySchema, seriesSchema } from './series-schema';
import { WEIGHT_STORAGES } from './weight-storage';

/** What is stored of a run, in this browser and in run bundles. */

const seconds = z.number().min(0);

const resultShape = {
  status: z.enum(['done', 'stopped']),
  steps: z.int().min(0),
  heldOut: accuracySchema.nullable(),
  isWritten: z.boolean().optional(),
  explicit: accuracySchema.optional(),
  teacher: accuracySchema.nullable(),
  seconds: z.object({ teacher: seconds, compile: seconds, train: seconds, evaluate: seconds }),
  programs: z.int().min(0),
  ranksUsed: z.record(z.string(), z.int().min(0)).optional(),
  trainable: z.int().min(0),
  provider: z.enum(['webgpu', 'wasm']),
  models: z.record(z.string(), z.string()),
  storages: z.record(z.string(), z.enum(WEIGHT_STORAGES)).optional(),
  data: dataUsedSchema.optional(),
};

const withConfig = <Row extends { readonly config: ReadConfig }>(
  row: Row,
): Omit<Row, 'config'> & { readonly config: RunConfig } => ({ ...row, config: row.config.config });

export const MAX_NAME = 100;
export const MAX_TAG = 40;
export const MAX_TAGS = 20;

/** A stored run. A configuration of version 1 is converted, and `notes` names what its method has no setting for. */
export const savedRunSchemaOf = (methods: Methods) => {
  const config = readConfigSchema(methods);
  return z
    .object({
      id: z.string().min(1).max(100),
      /** Milliseconds since 1970; larger values are not valid dates. */
      savedAt: z.number().min(0).max(8.64e15),
      config,
      notes: z.array(z.string()).default([]),
      /** `null` during the run, and forever if it was interrupted. */
      result: z
        .object({ config, ...resultShape })
        .transform(withConfig)
        .nullable(),
      series: seriesSchema,
      /** Given by the person; otherwise it is named after its configuration. */
      name: z.string().max(MAX_NAME).optional().catch(undefined),
      tags: z.array(z.string().min(1).max(MAX_TAG)).max(MAX_TAGS).optional().catch(undefined),
      /** Of an interrupted run that is not offered any more when the page starts. */
      isSetAside: z.boolean().optional().catch(undefined),
    })
    .transform(({ notes: kept, ...row }) => {
      const notes = [...kept, ...row.config.notes];
      return { ...withConfig(row), ...(notes.length > 0 && { notes }) };
    });
};
export const savedRunSchema = once(() => savedRunSchemaOf(METHODS));

export interface SavedRun extends Omit<z.output<ReturnType<typeof savedRunSchema>>, 'notes'> {
  /** What was left out when the row was read, one sentence each. */
  readonly notes?: readonly string[];
}
