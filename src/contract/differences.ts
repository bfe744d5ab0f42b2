import type { RunConfig } from './config';
import type { Methods } from './methods/method';
import { presetsOf } from './presets';

export type Difference = readonly [path: string, value: unknown];

/** Settings that say which student it is by themselves. */
const NAMED: readonly string[] = ['seed', 'data.samples'];
/** What changes nothing about the student. */
const BESIDE: readonly string[] = ['data.validation', 'data.heldOut', 'evaluation.every', 'observation'];

/** What a configuration has that another has not: leaf by leaf, arrays as wholes. */
export function differences(config: object, from: object, prefix = ''): Difference[] {
  return Object.entries(config).flatMap(([key, value]): Difference[] => {
    const path = prefix + key;
    const other = (from as Record<string, unknown>)[key];
    const nested = (x: unknown): x is object => typeof x === 'object' && x !== null && !Array.isArray(x);
    if (nested(value) && nested(other)) return differences(value, other, `${path}.`);
    return JSON.stringify(value) === JSON.stringify(other) ? [] : [[path, value]];
  });
}

/** What makes a student another than the preset of its method that it is closest to; seed and samples apart. */
export function differencesFromPreset(config: RunConfig, methods: Methods): readonly Difference[] {
  const apart = (path: string): boolean => [...NAMED, ...BESIDE].some((other) => path.startsWith(other));
  const own = presetsOf(methods.filter(({ id }) => id === config.method));
  const all = own.map((preset) => differences(config, preset.config).filter(([path]) => !apart(path)));
  return all.sort((a, b) => a.length - b.length)[0] ?? [];
}
