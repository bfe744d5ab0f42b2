import { stat } from 'node:fs/promises';
import { parseRunConfig, type RunConfig } from '../contract/config';
import type { DataUsed } from '../contract/roles';
import { quote } from '../text/quote';
import type { CommandInput } from './command';
import { readRunFile } from './configuration';
import { isBundlePath, isKept, keptIn } from './keep';
import { openRows } from './source';
import { checkpointFiles, openGiven } from './subjects';

/** Opens what the options name. @returns the configuration that trains on it */
export async function withRoles({
  workbench,
  config,
  methods,
  training,
  file,
  say,
  onEvent,
}: Pick<
  CommandInput,
  'workbench' | 'config' | 'methods' | 'training' | 'file' | 'say' | 'onEvent'
>): Promise<RunConfig> {
  const { model, adapter, storage, data, set } = training;
  const teacher = await teacherGiven(training.teacher);
  // Kept first: a model opened afterwards replaces the opened one, not the teacher.
  if (teacher?.kind === 'checkpoint') {
    const { name } = await workbench.openCheckpoint(await checkpointFiles(teacher.path));
    await workbench.keepTeacher({ kind: 'opened' });
    say(`teacher: ${name}`);
  }
  const report = await openGiven(workbench, { open: model, adapter, storage }, say);
  if (storage !== undefined && report === undefined)
    throw new Error('--storage says how the matrices of --model are kept; give --model');
  const asked = (path: string): boolean => set.some((change) => change.startsWith(`${path}=`));
  const roles = { ...config.roles };
  if (report !== undefined) {
    say(`student: ${report.name}, ${report.modelType}, ${report.parameters} parameters`);
    const was = file?.models[report.name];
    if (was !== undefined && was !== report.sha256)
      say(`warning: ${report.name} is not the one the run file was made with; its losses will differ`);
    if (!asked('roles.student')) roles.student = 'opened';
    if (!asked('roles.teacher') && roles.teacher === 'bundled') roles.teacher = 'self';
  }
  if (data.length > 0) {
    const { sha256 } = await openRows(workbench, training, say);
    if (file?.data && file.data.sha256 !== sha256)
      say(
        `warning: the run file was made with different content in ${file.data.name}; its losses will differ`,
      );
    if (!asked('roles.data')) roles.data = 'opened';
  }
  if (teacher?.kind === 'kept') {
    const { file: kept } = await keptIn(teacher.path, methods, 'teacher');
    const { label } = await workbench.keepTeacher({ kind: 'run', file: kept });
    say(`the teacher is ${label}`);
  }
  if (teacher?.kind === 'file') {
    const { file: made } = await readRunFile(teacher.path, methods);
    const own = { ...made.config.roles, student: roles.student, data: roles.data };
    if (own.student === 'opened' && own.teacher === 'bundled') own.teacher = 'self';
    say(`teacher: ${teacher.path}`);
    await workbench.distil(parseRunConfig({ ...made.config, roles: own }, methods), { report: onEvent });
    const { label } = await workbench.keepTeacher();
    say(`the teacher is ${label}`);
  }
  if (teacher && !asked('roles.teacher')) roles.teacher = 'kept';
  return parseRunConfig({ ...config, roles }, methods);
}

/** What `--teacher` names: a run file to train it from, a stored run, or a checkpoint. @throws an error if there is nothing */
async function teacherGiven(path: string | undefined) {
  if (path === undefined) return undefined;
  if (isBundlePath(path)) return { kind: 'kept', path } as const;
  const found = await stat(path).catch((error: Error) => {
    throw new Error(`--teacher ${quote(path)} cannot be opened: ${error.message}`);
  });
  if (!found.isDirectory()) return { kind: 'file', path } as const;
  return { kind: (await isKept(path)) ? 'kept' : 'checkpoint', path } as const;
}

/** Reports which rows a run uses, and which it leaves out. */
export function sayData({
  name,
  rule,
  training,
  validation,
  heldOut,
  leftOut,
  leftOutRows,
  notes,
}: DataUsed) {
  return [
    `data: ${name}; ${training.length} training, ${validation.length} validation, ${heldOut.length} held-out; answers by the rule ${rule}`,
    ...(leftOut > 0 ? [`${leftOut} rows are left out`] : []),
    ...leftOutRows.slice(0, 10).map(({ id, reason }) => `  ${id}: ${reason}`),
    ...notes.map((note) => `note: ${note}`),
  ];
}
