import type { RunConfig } from '../../contract/config';
import type { StudentReport } from '../../contract/events';
import { METHODS, methodOf } from '../../contract/methods/index';
import type { Methods } from '../../contract/methods/method';
import { PRESETS, type Preset, presetsOf } from '../../contract/presets';
import { valueAt } from './draft';

/** Paths that say nothing of how the student was trained. */
const IGNORED = /^(evaluation|observation)\.|^data\.(validation|heldOut)$/;

/** What a configuration has that its preset does not: of the presets of its method, the nearest one. */
export function differences(
  config: RunConfig,
  presets: readonly Preset[] = PRESETS,
): StudentReport['differs'] {
  const all = presets
    .filter((preset) => preset.config.method === config.method)
    .map((preset) =>
      pathsOf(config)
        .filter((path) => !IGNORED.test(path))
        .filter(
          (path) => JSON.stringify(valueAt(config, path)) !== JSON.stringify(valueAt(preset.config, path)),
        )
        .map((path) => [path, valueAt(config, path)] as const),
    );
  return all.sort((a, b) => a.length - b.length)[0] ?? [];
}

const isTree = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function pathsOf(value: unknown, path = ''): string[] {
  if (!isTree(value)) return [path];
  return Object.entries(value).flatMap(([key, inner]) =>
    pathsOf(inner, path === '' ? key : `${path}.${key}`),
  );
}

/** The student of a run, for an engine that does not describe it itself. */
export const studentOf = (
  id: string,
  config: RunConfig,
  step: number,
  methods: Methods = METHODS,
): StudentReport => ({
  id,
  label: methodOf(config.method, methods).label,
  differs: differences(config, presetsOf(methods)),
  step,
});

const MAX_SHOWN = 3;
const last = (path: string) => path.split('.').at(-1) as string;

/** One line that tells it from other students: method, step, and what differs from the preset. */
export function studentLine({ label, differs, step }: StudentReport): string {
  const shown = differs
    .slice(0, MAX_SHOWN)
    .map(([path, value]) => `${last(path)} ${typeof value === 'object' ? JSON.stringify(value) : value}`);
  const more = differs.length - shown.length;
  return [label, ...shown, ...(more > 0 ? [`${more} more changed`] : []), `step ${step}`].join(', ');
}
