import type { TeacherSource } from '../../../contract/roles';
import { InputError } from '../../base/errors';
import { identityOf } from '../latents/identity';
import type { Student } from '../runs/student';
import type { KeptModel } from './roles';
import type { LoadedModels } from './subjects';

/**
 * The teacher to keep for the next run.
 * @param ofRun the student of a run's snapshot file, if that is the source
 * @throws InputError if it is missing, or can only be run
 */
export async function keptTeacher(
  source: TeacherSource,
  held: LoadedModels,
  ofRun?: Student,
): Promise<KeptModel> {
  if (source.kind === 'opened') return ofOpened(held);
  const student = source.kind === 'run' ? ofRun : held.student;
  if (!student)
    throw new InputError('no student has been trained yet', 'Distil one first, then keep it as teacher.');
  const { model, tokenizer } = student.roles
    ? { model: student.roles.student, tokenizer: student.roles.tokenizer }
    : ofPair(held);
  const { student: hash } = await identityOf(model, student);
  const sha256 = hash as string;
  return { model, tokenizer, adapter: { ...student, sha256 }, label: student.label, sha256 };
}

function ofOpened({ opened }: LoadedModels): KeptModel {
  if (!opened)
    throw new InputError(
      'no model is open to be kept as teacher',
      'Open a checkpoint in the Model panel (with the lab: --teacher FOLDER).',
    );
  const { model, tokenizer, latent } = opened;
  const { name: label, sha256 } = model.report;
  if (model.onnx)
    throw new InputError(
      `${label} is an ONNX export, which cannot be forced through a rationale`,
      'Open the safetensors checkpoint that it was exported from.',
    );
  return { model, tokenizer, ...(latent && { adapter: { ...latent, sha256 } }), label, sha256 };
}

function ofPair({ pair }: LoadedModels) {
  if (!pair) throw new InputError('no models are loaded', 'Load the bundled pair first.');
  return { model: pair.base, tokenizer: pair.tokenizer };
}
