import { z } from 'zod';
import { quote } from '../text/quote';
import { complaints, RunConfigError } from './complaints';
import { type RunConfig, readConfigSchema, readRunConfig } from './config';
import { METHODS } from './methods/index';
import type { Methods } from './methods/method';
import { type DataUsed, dataUsedSchema } from './roles';
import { isObject } from './settings';

/** The file a run is downloaded as and repeated from. */
export interface RunFile {
  readonly kind: 'lori-run';
  readonly config: RunConfig;
  /** Names and hashes of the models it ran on; a repeat on other weights warns. */
  readonly models: Readonly<Record<string, string>>;
  /** The rows it was trained, validated and evaluated on; older files have none. */
  readonly data?: DataUsed;
  /** What was observed, for comparison with a repeat. */
  readonly observed?: Observed;
}

export interface Observed {
  /** Step numbers of `losses`, ascending from 1; a long run keeps only some of its steps. */
  readonly steps: readonly number[];
  /** The total loss at each of `steps`. */
  readonly losses: readonly number[];
  /** Accuracy on the held-out problems. */
  readonly accuracy: number | null;
  /** Validation accuracies by step, thinned like the losses. */
  readonly validation: { readonly steps: readonly number[]; readonly shares: readonly number[] };
  readonly provider: string;
  /** Of training. */
  readonly seconds: number;
}

const share = z.number().min(0).max(1);
const steps = z.array(z.int().min(0));

const observedSchema = z
  .strictObject({
    /** Older files have none. */
    steps: steps.optional(),
    losses: z.array(z.number()),
    accuracy: share.nullable(),
    validation: z
      .strictObject({ steps, shares: z.array(share) })
      .refine(
        (one) => one.steps.length === one.shares.length,
        'equal numbers of shares and steps are expected',
      )
      .default({ steps: [], shares: [] }),
    provider: z.string(),
    seconds: z.number(),
  })
  .refine(
    (one) => one.steps === undefined || one.steps.length === one.losses.length,
    'equal numbers of losses and steps are expected',
  );

/** Before losses had step numbers, a run beyond this many steps kept every second one, so at least half as many. */
const UNNUMBERED = 4000;

/** Step numbers for a file without any, if they are known. */
function numbered(config: RunConfig, losses: readonly number[]): number[] | null {
  if (losses.length > UNNUMBERED / 2 && config.optimiser.steps > UNNUMBERED) return null;
  return losses.map((_, i) => i + 1);
}

/** A run file, and what was left out on reading it, one sentence each. */
export interface ReadRunFile {
  readonly file: RunFile;
  readonly notes: readonly string[];
}

/**
 * Reads a run file or a bare configuration, of this version or the one before. A bare configuration has no `kind`.
 * @throws RunConfigError naming each bad path and value
 */
export function parseRunFile(value: unknown, methods: Methods = METHODS): ReadRunFile {
  if (!isObject(value))
    throw new RunConfigError(
      `the file holds ${quote(value)}; an object with "kind": "lori-run" and "config" is expected`,
    );
  if (!Object.hasOwn(value, 'kind')) {
    const { config, notes } = readRunConfig(value, methods);
    return { file: { kind: 'lori-run', config, models: {} }, notes };
  }
  const schema = z.strictObject({
    kind: z.literal('lori-run'),
    config: readConfigSchema(methods),
    models: z.record(z.string(), z.string()).default({}),
    data: dataUsedSchema.optional(),
    observed: observedSchema.optional(),
  });
  const result = schema.safeParse(value);
  if (!result.success)
    throw new RunConfigError(`the run file is not valid:\n${complaints(result.error, value)}`);
  const { config: read, observed, data, ...rest } = result.data;
  const file = { ...rest, ...(data && { data }), config: read.config };
  if (!observed) return { file, notes: read.notes };
  const known = observed.steps ?? numbered(read.config, observed.losses);
  return {
    file: {
      ...file,
      observed: { ...observed, steps: known ?? [], losses: known ? observed.losses : [] },
    },
    notes: known
      ? read.notes
      : [
          ...read.notes,
          'The losses in the file were left out: it is of an older version that thinned long runs without keeping step numbers.',
        ],
  };
}
