import {
  EXPORT_DTYPES,
  type ExportDType,
  MODEL_FORMATS,
  type ModelFileRequest,
  type ModelFormat,
  ONNX_LENGTH,
} from '../contract/model-files';
import type { Command } from './command';
import { whole } from './options';
import { withRoles } from './roles';
import { oneSubject, openGiven, selectionsOf } from './subjects';

const ENDINGS: Readonly<Record<ModelFormat, string>> = { peft: '.zip', merged: '.zip', onnx: '.onnx' };

function oneOf<T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found === undefined)
    throw new Error(`--${option} ${JSON.stringify(value)}; expected ${known.join(', ')}`);
  return found;
}

/** A model or a student as a file: PEFT adapter, merged model, ONNX graph. A student is trained first. */
export const exportFile: Command = async (input) => {
  const { workbench, config, lens: given, out, exported, say, onEvent } = input;
  const format = oneOf<ModelFormat>('format', exported.format, MODEL_FORMATS);
  const dtype = oneOf<ExportDType>('dtype', exported.dtype, EXPORT_DTYPES);
  if (!out?.endsWith(ENDINGS[format]))
    throw new Error(
      `--out ${JSON.stringify(out ?? '')}; a file that ends in ${ENDINGS[format]} is expected for --format ${format}`,
    );
  const subjects = given.subject.length === 0 && given.open === undefined ? ['student'] : given.subject;
  const option = oneSubject({ ...given, subject: subjects }, true);
  const length = exported.length === undefined ? ONNX_LENGTH.default : whole('length', exported.length);
  const isStudent = option.kind === 'student';
  const trained = isStudent ? await withRoles(input) : config;
  if (!isStudent) await openGiven(workbench, given, say);
  const [selection] = await selectionsOf(workbench, [option], trained, onEvent);
  const { subject } = selection as NonNullable<typeof selection>;
  const request: ModelFileRequest = { subject, format, dtype, length };
  const { blob, ...described } = await workbench.exportModel(request);
  for (const note of described.notes) say(`note: ${note}`);
  return { file: blob, export: { request, ...described } };
};
