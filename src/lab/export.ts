import type { RunOptions } from '../contract/calls';
import {
  EXPORT_DTYPES,
  type ExportDType,
  MODEL_FORMATS,
  type ModelFile,
  type ModelFileRequest,
  type ModelFormat,
  ONNX_LENGTH,
} from '../contract/model-files';
import { RUN_FORMATS, type RunExportRequest, type RunFormat } from '../contract/run-bundle';
import type { RunSnapshot } from '../contract/snapshot';
import type { Command, CommandInput } from './command';
import { type KeptRun, keptBy } from './keep';
import { whole } from './options';
import { withRoles } from './roles';
import { oneSubject, openGiven, selectionsOf } from './subjects';

const FORMATS = [...MODEL_FORMATS, ...RUN_FORMATS] as const;
type Format = ModelFormat | RunFormat;

const ENDINGS: Readonly<Record<Format, string>> = {
  peft: '.zip',
  merged: '.zip',
  onnx: '.onnx',
  bundle: '.zip',
  torch: '.zip',
};

function oneOf<T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found === undefined)
    throw new Error(`--${option} ${JSON.stringify(value)}; expected ${known.join(', ')}`);
  return found;
}

/**
 * A model or a student as a file: PEFT adapter, merged model, ONNX graph; or a run. A student is trained
 * first, unless a stored one is given.
 */
export const exportFile: Command = async (input) => {
  const { out, exported, say } = input;
  const format = oneOf<Format>('format', exported.format, FORMATS);
  if (!out?.endsWith(ENDINGS[format]))
    throw new Error(
      `--out ${JSON.stringify(out ?? '')}; a file that ends in ${ENDINGS[format]} is expected for --format ${format}`,
    );
  const isRun = RUN_FORMATS.some((one) => one === format);
  const { blob, request, ...described } = isRun
    ? await runFile(input, format as RunFormat)
    : await modelFile(input, format as ModelFormat);
  for (const note of described.notes) say(`note: ${note}`);
  return { file: blob, export: { request, ...described } };
};

type Made = ModelFile & { readonly request: object };

async function modelFile(input: CommandInput, format: ModelFormat): Promise<Made> {
  const { workbench, config, lens: given, exported, kept, say, onEvent } = input;
  const dtype = oneOf<ExportDType>('dtype', exported.dtype, EXPORT_DTYPES);
  const subjects = given.subject.length === 0 && given.open === undefined ? ['student'] : given.subject;
  const option = oneSubject({ ...given, subject: subjects }, true);
  const length = exported.length === undefined ? ONNX_LENGTH.default : whole('length', exported.length);
  const isStudent = option.kind === 'student';
  const trained = isStudent ? await withRoles(input) : config;
  if (!isStudent) await openGiven(workbench, given, say);
  const [selection] = await selectionsOf(workbench, [option], trained, { onEvent, kept, say });
  const { subject } = selection as NonNullable<typeof selection>;
  const request: ModelFileRequest = { subject, format, dtype, length };
  return { request, ...(await workbench.exportModel(request)) };
}

async function runFile(input: CommandInput, format: RunFormat): Promise<Made> {
  const { workbench, lens: given, kept } = input;
  if (given.subject.length > 0 || given.open !== undefined)
    throw new Error(
      `--format ${format} writes a run: that of --kept, or one that is trained; leave --subject and --open out (--model is the student’s model)`,
    );
  const config = await withRoles(input);
  const { run, file: student } = kept ?? (await trainedRun({ ...input, config }));
  const request: RunExportRequest = { format, run, student };
  const made = await workbench.exportRun(request);
  return { request: { format, run: run.id }, ...made };
}

/** Trains a student. @returns its run as it would be stored */
async function trainedRun({
  workbench,
  config,
  methods,
  onEvent,
}: Pick<CommandInput, 'workbench' | 'config' | 'methods' | 'onEvent'>): Promise<KeptRun> {
  let last: RunSnapshot | undefined;
  const options: RunOptions = {
    report: onEvent,
    keep: async (snapshot) => {
      last = snapshot;
    },
  };
  const { student: _, ...result } = await workbench.distil(config, options);
  const kept = await keptBy((last as RunSnapshot).file, methods);
  return { ...kept, run: { ...kept.run, result } };
}
