import type { Arena, ArenaRun } from './arena';
import { STORAGE_SHORT, type WeightStorage } from './weight-storage';

/** What must be equal among an arena's runs, so that their figures can be compared. */

/**
 * Why runs on these models would not be comparable with the runs so far; `null` if they would.
 * @param models that are loaded  @param storage how the layers’ matrices of an opened base are kept
 */
export function otherModels(
  runs: readonly ArenaRun[],
  models: readonly { readonly name: string; readonly sha256: string }[],
  storage?: WeightStorage,
): { readonly message: string; readonly hint: string } | null {
  const other = runs
    .flatMap(({ models: own = {} }) => Object.entries(own))
    .find(([name, sha256]) => models.some((model) => model.name === name && model.sha256 !== sha256));
  if (other)
    return {
      message: `the runs so far were made with other weights of ${other[0]}`,
      hint: 'Load those weights, or drop all runs and start again.',
    };
  const kept = runs.find(
    (run) => run.storage !== undefined && storage !== undefined && run.storage !== storage,
  );
  return kept?.storage
    ? {
        message: `the runs so far were made with the base’s matrices in ${STORAGE_SHORT[kept.storage]}`,
        hint: 'Keep them so in the Model place, or drop all runs and start again.',
      }
    : null;
}

/** The row, or, if its run answered other problems than the runs so far, one that says so in place of a figure. */
export function onSameProblems(row: ArenaRun, { runs }: Pick<Arena, 'runs'>): ArenaRun {
  const before = runs.find(({ problems }) => problems !== undefined);
  if (!before || row.problems === undefined || row.problems === before.problems) return row;
  const { name, seed, models } = row;
  return {
    ...{ name, seed, models },
    failed: `its held-out problems are not those of ${before.name}, seed ${before.seed}: there is nothing to compare`,
  };
}
