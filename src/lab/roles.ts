import { parseRunConfig, type RunConfig } from '../contract/config';
import type { DataUsed } from '../contract/roles';
import type { CommandInput } from './command';
import { readRunFile } from './configuration';
import { openRows } from './source';
import { openGiven } from './subjects';

/** Opens what the options name, and the configuration that trains on it. */
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
    const { sha256 } = await openRows(workbench, data, say);
    if (file?.data && file.data.sha256 !== sha256)
      say(`warning: the run file was made with ${file.data.name} of another content; its losses will differ`);
    if (!asked('roles.data')) roles.data = 'opened';
  }
  if (training.teacher !== undefined) {
    const { file: made } = await readRunFile(training.teacher, methods);
    const own = { ...made.config.roles, student: roles.student, data: roles.data };
    if (own.student === 'opened' && own.teacher === 'bundled') own.teacher = 'self';
    say(`teacher: ${training.teacher}`);
    await workbench.distil(parseRunConfig({ ...made.config, roles: own }, methods), { report: onEvent });
    const { label } = await workbench.keepTeacher();
    say(`the teacher is ${label}`);
    if (!asked('roles.teacher')) roles.teacher = 'kept';
  }
  return parseRunConfig({ ...config, roles }, methods);
}

/** Says which rows a run uses, and which it leaves out. */
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
