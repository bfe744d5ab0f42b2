import type { RunConfig } from '../../../contract/config';
import { ANSWER_PROMPT } from '../../../contract/data';
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
 * @throws InputError for one that is not there or cannot be trained, and for a teacher with another tokenizer
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
          ...[model, teacher.model].map(({ report }) => [report.name, report.sha256]),
          ...(teacher.adapter ? [[`the kept teacher: ${teacher.label}`, teacher.adapter.sha256]] : []),
        ]);
  return { student: model, teacher, tokenizer, codec, hashes };
}

interface StudentModel {
  readonly model: LoadedModel;
  readonly tokenizer: Tokenizer;
  /** Of the bundled base. */
  readonly pair?: Pair;
}

function studentOf(role: RunConfig['roles']['student'], { pair, opened }: LoadedModels): StudentModel {
  if (role === 'bundled') {
    if (!pair) throw noPair();
    return { model: pair.base, tokenizer: pair.tokenizer, pair };
  }
  if (!opened)
    throw new InputError(
      'the student is to be the opened model, and none is open',
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
        'the teacher is to be the student that was kept as teacher, and none was',
        'Train one, then keep it as teacher (with the lab: --teacher RUN.json), or choose another teacher.',
      );
    const { student, sha256 } = kept;
    const own = student.roles?.student ?? pair?.base;
    if (!own) throw noPair();
    checkTokenizers(student.roles?.tokenizer ?? (pair as Pair).tokenizer, tokenizer, own, model);
    return { model: own, adapter: { ...student, sha256 }, label: `${own.report.name}, ${student.label}` };
  }
  if (!pair) throw noPair();
  checkTokenizers(pair.tokenizer, tokenizer, pair.teacher, model);
  return { model: pair.teacher, label: pair.teacher.report.name };
}

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

/** Whether it is the bundled teacher on the bundled problems as they are, whose accuracy is measured once. */
export const isBundled = ({ roles, data }: RunConfig, { codec }: Roles, { pair }: LoadedModels): boolean =>
  roles.teacher === 'bundled' && roles.data === 'bundled' && codec === pair?.codec && data.rule === 'set';
