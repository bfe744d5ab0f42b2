import type { RunConfig } from '../../contract/config';
import { METHODS } from '../../contract/methods/index';
import type { Methods } from '../../contract/methods/method';
import { nameConfig } from '../../contract/presets';
import type { SavedRun } from '../../contract/saved-run';
import { type SeedSummary, summariseSeeds } from '../../contract/seeds';

/** Stored runs that differ only in their seed. */
export interface SeedGroup {
  /** The preset, and what distinguishes its settings from those of another group of the same preset. */
  readonly label: string;
  readonly problems: number;
  /** Held-out accuracy by seed, ascending. */
  readonly accuracy: readonly (readonly [seed: number, share: number])[];
  readonly overSeeds: SeedSummary;
}

/**
 * Groups of finished runs with a held-out accuracy, two seeds or more. Of several runs with the same seed the
 * latest counts. What is observed during training (`observation`) and how often it is stored (`keeping`) do
 * not affect a run and are not compared.
 */
export function seedGroups(saved: readonly SavedRun[], methods: Methods = METHODS): SeedGroup[] {
  const groups = new Map<string, { settings: Map<string, string>; runs: SavedRun[] }>();
  for (const run of [...saved].sort((a, b) => a.savedAt - b.savedAt)) {
    if (run.result?.status !== 'done' || !run.result.heldOut) continue;
    const settings = settingsOf(run.config);
    const key = JSON.stringify([...settings, Object.entries(run.result.models).sort()]);
    const group = groups.get(key) ?? { settings, runs: [] };
    group.runs.push(run);
    groups.set(key, group);
  }
  const several = [...groups.values()].filter(
    ({ runs }) => new Set(runs.map(({ config }) => config.seed)).size > 1,
  );
  return several.map(({ settings, runs }) => {
    const bySeed = new Map(runs.map(({ config, result }) => [config.seed, result?.heldOut?.share ?? 0]));
    const { name } = nameConfig(runs[0]!.config, methods);
    const others = several
      .filter((group) => nameConfig(group.runs[0]!.config, methods).name === name)
      .map((group) => group.settings);
    return {
      label: [name, ...distinguishing(settings, others)].join(', '),
      problems: runs[0]!.config.data.heldOut,
      accuracy: [...bySeed].sort(([a], [b]) => a - b),
      overSeeds: summariseSeeds(bySeed),
    };
  });
}

/** `latent.steps` → `4`, for every setting that affects a run except its seed. */
function settingsOf(config: RunConfig): Map<string, string> {
  const { seed: _seed, observation: _observation, keeping: _keeping, ...rest } = config;
  const settings = new Map<string, string>();
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      settings.set(path, Array.isArray(value) ? value.join(' ') : String(value));
    else for (const [key, inner] of Object.entries(value)) visit(inner, path === '' ? key : `${path}.${key}`);
  };
  visit(rest, '');
  return settings;
}

/** The settings in which a preset's groups differ: at most three, and the number of others. */
function distinguishing(
  settings: ReadonlyMap<string, string>,
  groups: readonly ReadonlyMap<string, string>[],
): string[] {
  const paths = [...settings.keys()].filter(
    (path) => new Set(groups.map((group) => group.get(path))).size > 1,
  );
  const shown = paths.slice(0, 3).map((path) => `${path} ${settings.get(path)}`);
  return paths.length > shown.length
    ? [...shown, `${paths.length - shown.length} more settings differ`]
    : shown;
}
