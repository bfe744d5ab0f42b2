import { z } from 'zod';
import { MAX_MESSAGE, quote, shorten } from '../text/quote';

// The production policy forbids eval; without this zod probes for it, which the browser reports as a violation.
z.config({ jitless: true });

/**
 * A run's configuration: everything a run depends on, and the one place of its defaults. The page edits it, a run file
 * holds it, `npm run lab` reads it. Values that the LoRi paper leaves open (its Table 4 is not available to us) are
 * listed in `OURS`. The defaults are LoRi's on the bundled pair; ω_C ≈ 1/R² and ω_μ ≈ 1/R with R = r_L·r_H, that is, each
 * moment's mean squared error.
 */
const count = (low: number, high: number) => z.int().min(low).max(high);
const weight = z.number().min(0).max(1e6);

/** Largest K. */
export const MAX_LATENT_STEPS = 32;

export const METHODS = ['lori', 'codi', 'ce', 'nocot'] as const;
export type Method = (typeof METHODS)[number];
export const METHOD_LABELS: Readonly<Record<Method, string>> = {
  lori: 'LoRi',
  codi: 'CODI-style',
  ce: 'CE only',
  nocot: 'No-CoT',
};

export const LINEARS = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] as const;
export type LinearTarget = (typeof LINEARS)[number];

export const runConfigSchema = z.strictObject({
  version: z.literal(1).default(1),
  method: z.enum(METHODS).default('lori'),
  /** Seeds sample choice, batch order and LoRA initialisation. */
  seed: count(0, 2 ** 31 - 1).default(1),
  data: z
    .strictObject({
      /** B, training samples (the paper's 128). */
      samples: count(1, 4096).default(128),
      /** Validation problems for the accuracy curve; never those of the final figure. */
      validation: count(0, 2000).default(100),
      /** Held-out problems for the final figure. */
      heldOut: count(0, 5000).default(200),
    })
    .prefault({}),
  latent: z
    .strictObject({
      /** K, latent steps. */
      steps: count(1, MAX_LATENT_STEPS).default(4),
      /** What is fed back: softmax(logits/τ)·E, or the last hidden state itself. */
      filter: z.enum(['softmax', 'hidden']).default('softmax'),
      /** τ of the softmax filter. */
      temperature: z.number().positive().max(100).default(1),
    })
    .prefault({}),
  lora: z
    .strictObject({
      rank: count(1, 256).default(8),
      alpha: z.number().positive().max(1024).default(16),
      targets: z
        .array(z.enum(LINEARS))
        .min(1)
        .default([...LINEARS]),
    })
    .prefault({}),
  factors: z
    .strictObject({
      /** One subspace for all samples, or one a sample. */
      scope: z.enum(['shared', 'sample']).default('shared'),
      /** What the teacher is forced on for the statistics: whole steps (the paper), or their results only (ours). */
      rationale: z.enum(['steps', 'results']).default('results'),
      /** r_L */
      layerRank: count(1, 64).default(4),
      /** r_H */
      hiddenRank: count(1, 512).default(32),
      /** Divide each layer by the teacher's standard deviation (ours). */
      normaliseLayers: z.boolean().default(true),
      /** Tucker ranks of the anchor tensor: r_B, r_L^(a), r_H^(a). */
      anchor: z
        .strictObject({
          sampleRank: count(1, 4096).default(32),
          layerRank: count(1, 64).default(4),
          hiddenRank: count(1, 512).default(32),
          hooi: z.boolean().default(false),
        })
        .prefault({}),
    })
    .prefault({}),
  weights: z
    .strictObject({
      /** ω_C */
      covariance: weight.default(6.1e-5),
      /** ω_μ */
      mean: weight.default(0.0078),
      /** β; 0 leaves the anchor out (on the bundled pair it made seeds fail: docs/log.md) */
      anchor: weight.default(0),
      /** λ, of cross entropy on the answer after the latents. */
      answer: weight.default(0.3),
      /** λ times κ: weight of cross entropy on rationale and answer in the explicit pass (LoRi-E); 0 leaves it out. */
      explicit: weight.default(0),
      /** CODI-style only: smooth L1 at the anchor over the teacher's std. */
      codi: weight.default(1),
    })
    .prefault({}),
  optimiser: z
    .strictObject({
      steps: count(1, 100_000).default(150),
      batch: count(1, 128).default(8),
      learningRate: z.number().positive().max(1).default(1.5e-3),
      warmup: z.number().min(0).max(1).default(0.05),
      weightDecay: z.number().min(0).max(1).default(0.01),
      beta1: z.number().min(0).max(0.9999).default(0.9),
      beta2: z.number().min(0).max(0.99999).default(0.999),
      epsilon: z.number().positive().max(1).default(1e-8),
      /** Largest global gradient norm. */
      clip: z.number().positive().max(1e6).default(1),
    })
    .prefault({}),
  evaluation: z
    .strictObject({
      /** Steps between two measurements of validation accuracy; 0 for none. */
      every: count(0, 100_000).default(50),
      /** Keep the adapter of the best validation accuracy rather than the last one. */
      keepBest: z.boolean().default(false),
    })
    .prefault({}),
  /** What is looked at while the student learns; it changes nothing about the run. */
  observation: z
    .strictObject({
      /** Steps between two checkpoints with the spectrum of the student's latents; 0 for none. */
      every: count(0, 100_000).default(25),
      /** Training samples whose latents are looked at. */
      samples: count(1, 64).default(8),
    })
    .prefault({}),
});

export type RunConfig = z.infer<typeof runConfigSchema>;

/** The paths of values the paper does not give: choices of this project, shown as such. */
export const OURS: readonly string[] = [
  'latent.filter',
  'latent.temperature',
  'lora.rank',
  'lora.alpha',
  'factors.scope',
  'factors.rationale',
  'factors.layerRank',
  'factors.hiddenRank',
  'factors.normaliseLayers',
  'factors.anchor',
  'weights.covariance',
  'weights.mean',
  'weights.anchor',
  'weights.answer',
  'weights.explicit',
  'weights.codi',
  'optimiser',
];

/** A validated configuration with every default filled in. @throws RunConfigError naming each bad path and value */
export function parseRunConfig(value: unknown): RunConfig {
  const result = runConfigSchema.safeParse(value);
  if (result.success) return result.data;
  throw new RunConfigError(`run configuration is not valid:\n${complaints(result.error, value)}`);
}

/** Bad values that a message names; of the others it gives the number. */
const MAX_COMPLAINTS = 12;

/** One line a bad value: its path, what was expected, what was found. */
export function complaints(error: z.ZodError, value: unknown): string {
  const line = (path: readonly PropertyKey[], message: string): string => {
    const found = path.reduce<unknown>(
      (at, key) => (at as Record<PropertyKey, unknown> | null)?.[key],
      value,
    );
    const place = shorten(path.join('.'), 120) || '(the whole file)';
    return `${place}: ${shorten(message, 160)}; got ${found === undefined ? 'nothing' : quote(found)}`;
  };
  const lines = error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => line([...issue.path, key], 'there is no such setting'))
      : [line(issue.path, issue.message)],
  );
  const more = lines.length - MAX_COMPLAINTS;
  return [...lines.slice(0, MAX_COMPLAINTS), ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}

export class RunConfigError extends Error {
  override readonly name = 'RunConfigError';
  readonly code = 'config';
  readonly hint = 'Correct the named values, or start from a preset and change what you need.';

  constructor(message: string, options?: ErrorOptions) {
    super(shorten(message, MAX_MESSAGE), options);
  }
}

/** The file a run is downloaded as and repeated from. */
export const runFileSchema = z.strictObject({
  kind: z.literal('lori-run'),
  config: runConfigSchema,
  /** `models/manifest.json` names and hashes of the pair it ran on; a repeat on other weights warns. */
  models: z.record(z.string(), z.string()).default({}),
  /** What was observed, for comparison; not read back. */
  observed: z
    .strictObject({
      losses: z.array(z.number()),
      accuracy: z.number().nullable(),
      provider: z.string(),
      seconds: z.number(),
    })
    .optional(),
});
export type RunFile = z.infer<typeof runFileSchema>;

/**
 * A run file, or a bare configuration, as a run file. A configuration of its own has no `kind`.
 * @throws RunConfigError naming each bad path and value
 */
export function parseRunFile(value: unknown): RunFile {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new RunConfigError(
      `the file holds ${quote(value)}; an object with "kind": "lori-run" and "config" is expected`,
    );
  if (!('kind' in value)) return { kind: 'lori-run', config: parseRunConfig(value), models: {} };
  const result = runFileSchema.safeParse(value);
  if (result.success) return result.data;
  throw new RunConfigError(`the run file is not valid:\n${complaints(result.error, value)}`);
}
