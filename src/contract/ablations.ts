import type { ArenaPlan } from './arena';
import { parseRunConfig, type RunConfig } from './config';
import type { AblationData } from './methods/ablations/ablation';
import type { Methods } from './methods/method';
import { presetsOf } from './presets';
import { isObject } from './settings';

/** The ablations of the methods' papers, as plans of arenas. */

/** Seeds that an ablation is filled in with: as few as say anything over seeds. */
export const ABLATION_SEEDS = [1, 2, 3, 4, 5] as const;

export const ablationsOf = (methods: Methods): AblationData[] =>
  methods.flatMap(({ ablations = [] }) => ablations);

/** The values of a tree with those of another in their places. */
const merged = (base: unknown, changes: unknown): unknown =>
  isObject(base) && isObject(changes)
    ? {
        ...base,
        ...Object.fromEntries(Object.entries(changes).map(([key, value]) => [key, merged(base[key], value)])),
      }
    : changes;

/**
 * The arena of an ablation: a contender for each point, and what its chart is drawn against.
 * @throws Error for a preset that no method has, and RunConfigError for changes that its method refuses: bugs in the data
 */
export function planOf(
  { id, varied, log, measure, baseline, points }: AblationData,
  methods: Methods,
  seeds: readonly number[] = ABLATION_SEEDS,
): ArenaPlan {
  const presets = presetsOf(methods);
  const configOf = (preset: string, changes: object = {}): RunConfig => {
    const found = presets.find((one) => one.id === preset);
    if (!found) throw new Error(`the ablation ${id} starts from ${preset}, which is not a preset`);
    return parseRunConfig(merged(found.config, changes), methods);
  };
  const places = points.flatMap(({ name, x }) => (x === undefined ? [] : [[name, x] as const]));
  return {
    contenders: points.map(({ name, preset, changes }) => ({ name, config: configOf(preset, changes) })),
    ...{ seeds, baseline },
    axis: {
      ...{ ablation: id, label: varied, measure },
      ...(places.length === points.length && { places: Object.fromEntries(places) }),
      ...(log && { log }),
    },
  };
}
