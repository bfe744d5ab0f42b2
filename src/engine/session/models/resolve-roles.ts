import type { RunConfig } from '../../../contract/config';
import { ANSWER_PROMPT } from '../../../contract/data';
import type { SnapshotHeader } from '../../../contract/snapshot';
import { InputError } from '../../base/errors';
import { rowCodec } from '../../data/sets/row-codec';
import { problemCodec } from '../../data/tokens';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import type { LoadedModel, Pair } from './pair';
import type { Roles, TeacherRole } from './roles';
import { sameTokenizer } from './same-tokenizer';
import type { LoadedModels } from './subjects';

/**
 * The models that a configuration names.
 * @throws InputError for one that is missing or cannot be trained, and for a teacher with another tokenizer
 */
export function resolveRoles({ roles, data }: RunConfig, loaded: LoadedModels): Roles {
  const { model, tokenizer, pair } = studentOf(roles.student, loaded);
  const teacher = teacherOf(roles.teacher, { model, tokenizer }, loaded);
  const codec =
    roles.data === 'opened'
      ? rowCodec(tokenizer, model.endIds, data.prompt)
      : pair && data.prompt === ANSWER_PROMPT
        ? pair.codec
        : problemCodec(tokenizer, model.endIds, data.prompt);
  const hashes =
    pair && roles.teacher === 'bundled'
      ? pair.hashes
      : Object.fromEntries([
          ...[teacher.model, model].map(({ report }) => [report.name, report.sha256]),
          ...(teacher.kept ? [[`${KEPT}${teacher.label}`, teacher.kept]] : []),
        ]);
  return { student: model, teacher, tokenizer, codec, hashes };
}

/** Prefix, among the hashes' names, for what was kept as teacher; its own name follows. */
const KEPT = 'the kept teacher: ';

/**
 * The models of a student that was stored with its run. Only its own model is required: if the kept teacher
 * that it learned from is missing, that model stands in.
 */
export function rolesOfStudent({ config, models }: SnapshotHeader, held: LoadedModels): Roles {
  if (config.roles.teacher !== 'kept') return resolveRoles(config, held);
  const [, was] = Object.entries(models).find(([name]) => name.startsWith(KEPT)) ?? [];
  if (held.kept && held.kept.sha256 === was) return resolveRoles(config, held);
  return resolveRoles({ ...config, roles: { ...config.roles, teacher: 'self' } }, held);
}

/** The hashes that the student itself depends on, without a kept teacher's. @param name of its model */
export function hashesOfStudent({ config, models }: SnapshotHeader, name: string): SnapshotHeader['models'] {
  if (config.roles.teacher !== 'kept') return models;
  const own = Object.entries(models).filter(([key]) => !key.startsWith(KEPT));
  const known = own.filter(([key]) => key === name);
  return Object.fromEntries(known.length > 0 ? known : own);
}

interface StudentModel {
  readonly model: LoadedModel;
  readonly tokenizer: Tokenizer;
  /** The bundled pair, if the model is its base. */
  readonly pair?: Pair;
}

function studentOf(role: RunConfig['roles']['student'], { pair, opened }: LoadedModels): StudentModel {
  if (role === 'bundled') {
    if (!pair) throw noPair();
    return { model: pair.base, tokenizer: pair.tokenizer, pair };
  }
  if (!opened)
    throw new InputError(
      'the student should be the opened model, but none is open',
      'Open a checkpoint in the Model panel (with the lab: --model FOLDER), or choose the bundled base.',
    );
  if (opened.model.onnx)
    throw new InputError(
      `${opened.model.report.name} is an ONNX export, which can only be run`,
      'Open the safetensors checkpoint that it was exported from.',
    );
  return opened;
}

function teacherOf(
  role: RunConfig['roles']['teacher'],
  { model, tokenizer }: StudentModel,
  { pair, kept }: LoadedModels,
): TeacherRole {
  if (role === 'self') return { model, label: `${model.report.name} itself` };
  if (role === 'kept') {
    if (!kept)
      throw new InputError(
        'the teacher should be the model kept as teacher, but none was kept',
        'Keep a student or the opened model as teacher first (with the lab: --teacher), or choose another teacher.',
      );
    const { adapter, label } = kept;
    // If the same files were opened again, one model on the device serves both.
    const own = isSame(kept.model, model) ? model : kept.model;
    checkTokenizers(kept.tokenizer, tokenizer, own, model);
    const { name } = own.report;
    return { model: own, adapter, label: name === label ? label : `${name}, ${label}`, kept: kept.sha256 };
  }
  if (!pair) throw noPair();
  checkTokenizers(pair.tokenizer, tokenizer, pair.teacher, model);
  return { model: pair.teacher, label: pair.teacher.report.name };
}

const isSame = ({ report: a }: LoadedModel, { report: b }: LoadedModel): boolean =>
  a.name === b.name && a.sha256 === b.sha256;

function checkTokenizers(
  teachers: Tokenizer,
  students: Tokenizer,
  teacher: LoadedModel,
  student: LoadedModel,
) {
  if (sameTokenizer(teachers, students)) return;
  throw new InputError(
    `the teacher ${teacher.report.name} and the student ${student.report.name} have different tokenizers`,
    'Choose the student’s own model as teacher, or a teacher that was trained from it.',
  );
}

const noPair = (): InputError => new InputError('no models are loaded', 'Load the bundled pair first.');

/**
 * Whether a run uses the bundled teacher on the unchanged bundled problems, for which its accuracy is
 * measured once.
 */
export const isBundled = ({ roles, data }: RunConfig, { codec }: Roles, { pair }: LoadedModels): boolean =>
  roles.teacher === 'bundled' && roles.data === 'bundled' && codec === pair?.codec && data.rule === 'set';
