import type { RunConfig } from '../../../contract/config';
import type { Methods } from '../../../contract/methods/method';
import type { SnapshotHeader } from '../../../contract/snapshot';
import type { SnapshotStatus } from '../../../contract/snapshot-status';
import { STORAGE_SHORT, type WeightStorage } from '../../../contract/weight-storage';
import { listed, quote } from '../../../text/quote';
import { InputError } from '../../base/errors';
import { sha256Hex } from '../../base/sha256';
import { chunked } from '../../model/device-weights';
import { MAX_VOCABULARY_BYTES } from '../../model/model-on-device';
import type { Recipe } from '../../recipes/shared/recipe';
import { parametersOf } from '../../recipes/shared/trained';
import { hashesOfStudent } from '../models/resolve-roles';
import { type Roles, storagesOf } from '../models/roles';
import type { PhaseClock } from './clock';
import type { RunContext } from './context';
import type { Machinery } from './prepare';
import { studentBy } from './prepare';
import type { RunData } from './run-data';
import { type OpenedSnapshot, writeSnapshot } from './snapshot-file';
import type { SnapshotWriterOptions } from './snapshot-writer';
import { reasoningAfter } from './stages';
import type { Student } from './student';

/** Identifies the examples of a run, so that it is not resumed on others. */
async function dataOf({ training, validation, heldOut }: RunData): Promise<SnapshotHeader['data']> {
  const all = [...training, ...validation, ...heldOut].map(({ id, problem }) => [id, problem]);
  return {
    training: training.map(({ id }) => id),
    validation: validation.length,
    heldOut: heldOut.length,
    sha256: await sha256Hex(new TextEncoder().encode(JSON.stringify(all))),
  };
}

/** @throws InputError naming the models that differ from the snapshot's */
export function checkModels(
  models: SnapshotHeader['models'],
  loaded: Readonly<Record<string, string>>,
  what: string,
): void {
  const short = (hash: string | undefined) => (hash === undefined ? 'not loaded' : hash.slice(0, 12));
  const differ = Object.entries(models).filter(([name, hash]) => loaded[name] !== hash);
  if (differ.length === 0) return;
  const named = differ.map(([name, hash]) => `${quote(name)} is ${short(loaded[name])}, not ${short(hash)}`);
  throw new InputError(
    `${what} was made with other weights: ${listed(named, 4)} (sha256)`,
    `Load ${listed(Object.keys(models), 4)} as they were then.`,
  );
}

/** Models whose matrices are not kept as they were, one clause each. */
function keptOtherwise(
  { storages = {} }: Pick<SnapshotHeader, 'storages'>,
  now: Readonly<Record<string, WeightStorage>>,
): string[] {
  return Object.entries(now).flatMap(([name, storage]) => {
    const was = storages[name];
    return was === undefined || was === storage
      ? []
      : [`${quote(name)} are in ${STORAGE_SHORT[storage]}, not in ${STORAGE_SHORT[was]}`];
  });
}

/** What is to be said of a student whose base is kept in another storage than it was trained on; undefined if nothing. */
export function storageNote(header: SnapshotHeader, roles: Roles): string | undefined {
  const { name } = roles.student.report;
  const storage = storagesOf(roles)[name] as WeightStorage;
  const differ = keptOtherwise(header, { [name]: storage });
  return differ.length === 0
    ? undefined
    : `The matrices of ${listed(differ, 1)} as when this student was trained: its answers may differ from those of the run. The Model panel (with the lab: --storage) changes how they are kept.`;
}

/**
 * Refuses to resume if the bits would not be those of the run. The configuration is the snapshot's own.
 * @throws InputError naming the models, the data or the storages that differ, or if the run is done
 */
export async function checkSame(header: SnapshotHeader, context: RunContext, data: RunData): Promise<void> {
  const { status, step } = header;
  if (status === 'done')
    throw new InputError(
      `the run is done: all its ${step} steps were trained, and only its student was kept`,
      'Use its student, or start another run with more steps.',
    );
  await checkSource(header, context.roles, data);
  const differ = keptOtherwise(header, storagesOf(context.roles));
  if (differ.length > 0)
    throw new InputError(
      `the matrices of ${listed(differ, 4)} as the run has them: its next losses would be others`,
      'Choose the run’s storage in the Model panel (with the lab: --storage), then resume.',
    );
}

/** @throws InputError naming the models or the data that differ from the run's */
export async function checkSource(
  { models, data: known }: SnapshotHeader,
  { hashes }: Pick<Roles, 'hashes'>,
  data: RunData,
): Promise<void> {
  checkModels(models, hashes, 'the run');
  const now = await dataOf(data);
  const other = now.training.findIndex((id, i) => id !== known.training[i]);
  const differs =
    other >= 0 || now.training.length !== known.training.length
      ? `training sample ${other + 1} is ${quote(now.training[other])}, not ${quote(known.training[other])}`
      : now.sha256 !== known.sha256
        ? 'the texts of its problems have changed'
        : null;
  if (differs !== null)
    throw new InputError(
      `the run was made with other data: ${differs}`,
      'Open the data set that it was trained on, or start the run again.',
    );
}

/** The student of a snapshot: its best copy, if it has one. @throws InputError, FileError if the models differ */
export function studentOf(
  { header, values }: OpenedSnapshot,
  {
    roles,
    recipe: recipeOf,
    methods,
    id,
  }: {
    readonly roles: Roles;
    readonly recipe: (method: string) => Recipe;
    readonly methods: Methods;
    readonly id: string;
  },
): Student {
  const { config, kept } = header;
  checkModels(hashesOfStudent(header, roles.student.report.name), roles.hashes, 'the student');
  const recipe = recipeOf(config.method);
  const parameters = parametersOf(recipe, config, chunked(roles.student.config, MAX_VOCABULARY_BYTES));
  const packs = values(kept ? 'kept' : 'parameters', parameters.all);
  const step = kept?.step ?? header.step;
  const reasoning = reasoningAfter(recipe, config, { roles, methods, step });
  return { ...studentBy(config, parameters, { id, methods, packs, roles, reasoning }), step };
}

/** Returns the function that packs the run's snapshots. */
export async function packerFor({
  context,
  config,
  machinery,
  data,
  clock,
}: {
  readonly context: RunContext;
  readonly config: RunConfig;
  readonly machinery: Machinery;
  readonly data: RunData;
  readonly clock: PhaseClock;
}): Promise<SnapshotWriterOptions['pack']> {
  const { adapter, curriculum, parameters } = machinery;
  const { optimiser } = curriculum;
  const named = await dataOf(data);
  return async (step, status: SnapshotStatus, series) => {
    const isDone = status === 'done';
    const state = await adapter.state(step);
    if (state === null) return null;
    const { best } = state;
    const held = series.accuracy.find(({ set }) => set === 'held-out');
    return writeSnapshot({
      header: {
        version: 1,
        config,
        savedAt: Date.now(),
        status,
        step,
        kept: best && !isDone ? { step: best.step, correct: best.correct } : null,
        models: { ...context.roles.hashes },
        storages: storagesOf(context.roles),
        provider: context.runtime.provider,
        data: named,
        seconds: clock.soFar(),
        heldOut: held?.accuracy ?? null,
      },
      series,
      parameters: parameters.all,
      // A finished run has settled on one copy.
      values: isDone ? adapter.student.packs : state.values,
      ...(!isDone && { moments: await optimiser.state() }),
      ...(best && !isDone && { kept: best.values }),
      ...(!isDone && { reference: curriculum.policy?.referenceValues }),
    });
  };
}
