import { parseRunConfig, type RunConfig } from './config';
import { METHODS } from './methods/index';
import type { Methods } from './methods/method';

/** A named starting point: what it is for, and the configuration. */
export interface Preset {
  readonly id: string;
  /** Ids of old links and commands that meant these same values. */
  readonly formerly: readonly string[];
  readonly name: string;
  /** The name with the number of samples. */
  readonly label: string;
  readonly about: string;
  readonly config: RunConfig;
}

/** The presets of the methods, in order. The first is what a first run trains. */
export const presetsOf = (methods: Methods): Preset[] =>
  methods.flatMap(({ id: method, presets }) =>
    presets.map(({ id, formerly = [], name, about, changes }) => {
      const config = parseRunConfig({ ...changes, method }, methods);
      return { id, formerly, name, label: `${name} · ${config.data.samples} samples`, about, config };
    }),
  );

/**
 * At least one a method, each with the best values found for it on validation problems, at the same number of samples
 * (docs/log.md).
 */
export const PRESETS: readonly Preset[] = presetsOf(METHODS);

/** What the guided first run trains. */
export const FIRST_RUN = PRESETS[0] as Preset;

/** The preset of an id, also of one it had before. */
export const findPreset = (id: string | null, presets: readonly Preset[] = PRESETS): Preset | undefined =>
  presets.find((preset) => preset.id === id || (id !== null && preset.formerly.includes(id)));
