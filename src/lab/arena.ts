import { readFile } from 'node:fs/promises';
import {
  type Arena,
  type ArenaRun,
  isResult,
  readArenaFile,
  remaining,
  rowOf,
  standings,
} from '../contract/arena';
import type { Methods } from '../contract/methods/method';
import { type Command, unobserved } from './command';
import { evalTable } from './eval-table';

/**
 * Every contender of an arena's file on every seed that has no run yet. What goes to --out is an arena's file again: the
 * page opens it, and it can be gone on with.
 */
export const arena: Command = async ({ workbench, methods, plan, say, save, onEvent }) => {
  if (plan === undefined)
    throw new Error('arena needs --plan with a file that was downloaded from the Arena');
  const { arena: planned, notes } = readPlan(plan, await readFile(plan), methods);
  for (const note of notes) say(note);
  const runs: ArenaRun[] = [...planned.runs];
  const soFar = (): Arena => ({ ...planned, runs });
  const left = remaining(soFar());
  say(`${runs.length} runs are there, ${left.length} are left`);
  for (const [i, { contender, seed }] of left.entries()) {
    const { name, config } = contender;
    const row = await runOnce(name, seed, () =>
      workbench.distil(unobserved({ ...config, seed }), { report: onEvent }),
    );
    runs.push(row);
    const share =
      row.correct !== undefined && row.total
        ? `${((100 * row.correct) / row.total).toFixed(1)} %`
        : row.failed;
    say(`${i + 1} of ${left.length}: ${name}, seed ${seed}: ${share}`);
    await save({ arena: 1, ...soFar() });
  }
  const whole = soFar();
  return { arena: 1, ...whole, standings: standings(whole).map(plainly), table: tableOf(whole) };
};

function readPlan(path: string, bytes: Uint8Array, methods: Methods) {
  try {
    return readArenaFile(bytes, methods);
  } catch (error) {
    throw new Error(`--plan ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** A run that diverges, or a method that cannot use its settings, is a result; any other error ends the arena. */
async function runOnce(
  name: string,
  seed: number,
  distil: () => ReturnType<Parameters<Command>[0]['workbench']['distil']>,
): Promise<ArenaRun> {
  try {
    return rowOf(name, seed, await distil());
  } catch (error) {
    if (!isResult((error as { code?: unknown }).code)) throw error;
    return { name, seed, failed: (error as Error).message };
  }
}

const plainly = ({ accuracy, ...rest }: ReturnType<typeof standings>[number]) => ({
  ...rest,
  accuracy: Object.fromEntries(accuracy),
});

const tableOf = (arena: Arena): string =>
  evalTable({
    seeds: arena.seeds,
    problems: arena.runs.find(({ total }) => total !== undefined)?.total ?? 0,
    teacher: null,
    methods: standings(arena).map(({ name, accuracy, failed, overSeeds, against }) => ({
      ...{ name, failed, overSeeds },
      accuracy: Object.fromEntries(accuracy),
      differences: against ? [{ from: arena.baseline, ...against }] : [],
    })),
  });
