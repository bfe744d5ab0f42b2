import type { RunConfig } from '../../contract/config';
import type { Methods } from '../../contract/methods/method';
import { nameConfig } from '../../contract/presets';
import type { SavedRun } from '../../contract/saved-run';
import { STORAGE_SHORT } from '../../contract/weight-storage';
import { valueAt } from './draft';

/** A run's own name, or one made from its configuration. */
export const runName = ({ name, config }: Pick<SavedRun, 'name' | 'config'>, methods: Methods): string =>
  name ?? `${nameConfig(config, methods).name}, ${config.data.samples} samples, seed ${config.seed}`;

/** Values as displayed and searched: `optimiser.steps 150`. */
const shown = (value: unknown): string => (Array.isArray(value) ? value.join(' ') : String(value));

function pathsOf(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path];
  return Object.entries(value).flatMap(([key, inner]) =>
    pathsOf(inner, path === '' ? key : `${path}.${key}`),
  );
}

/**
 * The runs whose name, tags, date or settings contain the text (`seed 3`) or, if none do, each of its words
 * (`codi paper`).
 */
export function searchRuns(runs: readonly SavedRun[], text: string, methods: Methods): readonly SavedRun[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return runs;
  const known = runs.map((run) => [run, searchable(run, methods)] as const);
  const having = (parts: readonly string[]) =>
    known.filter(([, all]) => parts.every((part) => all.includes(part))).map(([run]) => run);
  const exact = having([wanted]);
  return exact.length > 0 ? exact : having(wanted.split(/\s+/));
}

/** Everything that a run is found by, one per line. */
function searchable(run: SavedRun, methods: Methods): string {
  const settings = pathsOf(run.config).map((path) => `${path} ${shown(valueAt(run.config, path))}`);
  return [runName(run, methods), ...(run.tags ?? []), run.id, ...settings].join('\n').toLowerCase();
}

export interface Difference {
  /** `optimiser.steps` */
  readonly path: string;
  /** By run; `null` if its method has no such setting. */
  readonly values: readonly (string | null)[];
}

/** The settings in which the configurations differ. */
export function differences(configs: readonly RunConfig[]): readonly Difference[] {
  const paths = [...new Set(configs.flatMap((config) => pathsOf(config)))];
  return paths
    .map((path) => ({
      path,
      values: configs.map((config) => {
        const value = valueAt(config, path);
        return value === undefined ? null : shown(value);
      }),
    }))
    .filter(isDifferent);
}

const isDifferent = ({ values }: Difference): boolean => new Set(values).size > 1;

/** What no setting says and results do: models, how their matrices were kept, provider; where they differ. */
export const circumstances = (runs: readonly Pick<SavedRun, 'result'>[]): readonly Difference[] =>
  [
    { path: 'models (sha256)', of: modelsIn },
    { path: 'matrices kept in', of: storagesIn },
    { path: 'computed on', of: ({ provider }: Result) => (provider === 'webgpu' ? 'WebGPU' : 'WASM') },
  ]
    .map(({ path, of }) => ({ path, values: runs.map(({ result }) => (result ? of(result) : null)) }))
    .filter(isDifferent);

type Result = NonNullable<SavedRun['result']>;

const modelsIn = ({ models }: Result): string =>
  Object.entries(models)
    .map(([name, hash]) => `${name} ${hash.slice(0, 8)}`)
    .join(', ');

/** Runs of earlier versions do not say. */
const storagesIn = ({ storages }: Result): string | null =>
  storages ? [...new Set(Object.values(storages))].map((storage) => STORAGE_SHORT[storage]).join(', ') : null;
