import { z } from 'zod';
import { runConfigSchema } from '../contract/config';
import { accuracySchema, seriesSchema } from './series';

/** The rows that are kept, and what is allowed in them. */

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];
export const PROVIDERS = ['auto', 'webgpu', 'wasm'] as const;
export type ProviderChoice = (typeof PROVIDERS)[number];

/** A setting that cannot be read falls back to its default, alone. */
export const settingsSchema = z.object({
  theme: z.enum(THEMES).catch('system'),
  provider: z.enum(PROVIDERS).catch('auto'),
  spectraSamples: z.int().min(1).max(128).catch(16),
});
export type Settings = z.infer<typeof settingsSchema>;
export const defaultSettings: Settings = settingsSchema.parse({});

const seconds = z.number().min(0);

export const runResultSchema = z.object({
  config: runConfigSchema,
  status: z.enum(['done', 'stopped']),
  steps: z.int().min(0),
  heldOut: accuracySchema.nullable(),
  teacher: accuracySchema.nullable(),
  seconds: z.object({ teacher: seconds, compile: seconds, train: seconds, evaluate: seconds }),
  programs: z.int().min(0),
  trainable: z.int().min(0),
  provider: z.enum(['webgpu', 'wasm']),
  models: z.record(z.string(), z.string()),
});

export const savedRunSchema = z.object({
  id: z.string().min(1).max(100),
  /** Milliseconds since 1970; beyond this no date can be made of them. */
  savedAt: z.number().min(0).max(8.64e15),
  config: runConfigSchema,
  /** `null` while the run goes on, and for ever if it broke off. */
  result: runResultSchema.nullable(),
  series: seriesSchema,
});
export type SavedRun = z.infer<typeof savedRunSchema>;
