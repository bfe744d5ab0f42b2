import { parseRunConfig, type RunConfig } from './config';
import { METHODS, methodOf } from './methods/index';
import type { MethodData, Methods } from './methods/method';
import { pathsOf, valueAt } from './settings';

/** A named starting point: what it is for, and the configuration. */
export interface Preset {
  readonly id: string;
  /** Ids of old links and commands that meant these same values. */
  readonly formerly: readonly string[];
  readonly name: string;
  /** The name with the number of samples. */
  readonly label: string;
  readonly about: string;
  /** Whether it is named for a table of a paper: compared only if asked for. */
  readonly paper: boolean;
  readonly config: RunConfig;
}

const known = new WeakMap<Methods, readonly Preset[]>();

/** The presets of the methods, in order, the same whenever asked for. The first is what a first run trains. */
export function presetsOf(methods: Methods): readonly Preset[] {
  const presets = known.get(methods) ?? methods.flatMap((method) => presetsOfMethod(method, methods));
  known.set(methods, presets);
  return presets;
}

const presetsOfMethod = ({ id: method, presets }: MethodData, methods: Methods): Preset[] =>
  presets.map(({ id, formerly = [], name, about, paper = false, changes }) => {
    // Read when it is asked for: reading all of them is a third of what the engine takes to load.
    let config: RunConfig | undefined;
    return {
      ...{ id, formerly, name, about, paper },
      get label() {
        return `${name} · ${this.config.data.samples} samples`;
      },
      get config() {
        config ??= parseRunConfig({ ...changes, method }, methods);
        return config;
      },
    };
  });

/**
 * At least one per method with the best values found for it on validation problems, at the same number of samples
 * (docs/log.md); and those named for tables of papers.
 */
export const PRESETS: readonly Preset[] = presetsOf(METHODS);

/** The preset with an id, including former ones. */
export const findPreset = (id: string | null, presets: readonly Preset[] = PRESETS): Preset | undefined =>
  presets.find((preset) => preset.id === id || (id !== null && preset.formerly.includes(id)));

/** Paths that do not affect how a student is trained. */
const IGNORED = /^(evaluation|observation|keeping)\.|^data\.(validation|heldOut)$/;

/** The name of a configuration, and where it differs from the preset of that name. */
export interface NamedConfig {
  readonly name: string;
  readonly preset: Preset | undefined;
  readonly differs: readonly (readonly [path: string, value: unknown])[];
}

/** The settings in which a configuration differs from a preset, and its values of them. */
export const differencesFrom = (preset: Preset, config: RunConfig): NamedConfig['differs'] =>
  pathsOf(config)
    .filter((path) => !IGNORED.test(path))
    .filter((path) => JSON.stringify(valueAt(config, path)) !== JSON.stringify(valueAt(preset.config, path)))
    .map((path) => [path, valueAt(config, path)] as const);

/** Named after the method's preset that differs in the fewest settings, or after the method if it has no preset. */
export function nameConfig(config: RunConfig, methods: Methods = METHODS): NamedConfig {
  const named = presetsOf(methods)
    .filter((preset) => preset.config.method === config.method)
    .map((preset) => ({ name: preset.name, preset, differs: differencesFrom(preset, config) }));
  return (
    named.sort((a, b) => a.differs.length - b.differs.length)[0] ?? {
      name: methodOf(config.method, methods).label,
      preset: undefined,
      differs: [],
    }
  );
}

/** Maximum number of differences in a label; all of them are in the student's report. */
const MAX_NAMED = 3;

/** A label that distinguishes runs: preset, samples, seed, and what differs from the preset. */
export function labelOf(config: RunConfig, methods: Methods = METHODS): string {
  const { name, differs } = nameConfig(config, methods);
  const others = differs.filter(([path]) => path !== 'seed' && path !== 'data.samples');
  const named = others.slice(0, MAX_NAMED).map(([path, value]) => `${path} ${JSON.stringify(value)}`);
  const more = others.length > MAX_NAMED ? [`${others.length - MAX_NAMED} more`] : [];
  return [name, `${config.data.samples} samples`, `seed ${config.seed}`, ...named, ...more].join(', ');
}
