import { z } from 'zod';
import type { SavedRun } from '../contract/saved-run';

/** The stored settings, and the labels a user gives to stored runs. */

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];
export const PROVIDERS = ['auto', 'webgpu', 'wasm'] as const;
export type ProviderChoice = (typeof PROVIDERS)[number];

/** A setting that cannot be read falls back to its default without affecting the others. */
export const settingsSchema = z.object({
  theme: z.enum(THEMES).catch('system'),
  provider: z.enum(PROVIDERS).catch('auto'),
  spectraSamples: z.int().min(1).max(128).catch(16),
  /**
   * Whether the page has been opened in this browser before: only on the first visit does it open on the
   * guided run.
   */
  hasVisited: z.boolean().catch(false),
});
export type Settings = z.infer<typeof settingsSchema>;
export const defaultSettings: Settings = settingsSchema.parse({});

/** The labels a user has given to a run. */
export type Labels = Pick<SavedRun, 'name' | 'tags' | 'isSetAside'>;

/** A row that this version of the page cannot read. It stays until the user deletes it. */
export interface DamagedRow {
  readonly id: string;
  /** What is wrong with it: its first invalid value. */
  readonly reason: string;
}
