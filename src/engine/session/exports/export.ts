import type { CallOptions } from '../../../contract/calls';
import {
  EXPORT_DTYPES,
  MODEL_FORMATS,
  MODULES_FILE,
  type ModelFile,
  type ModelFileRequest,
  ONNX_LENGTH,
  STUDENT_FILE,
} from '../../../contract/model-files';
import { STORAGE_SHORT } from '../../../contract/weight-storage';
import { listed, quote } from '../../../text/quote';
import { ConfigError, InputError, throwIfCancelled } from '../../base/errors';
import { encodeFloats } from '../../checkpoint/float';
import { writeSafetensors } from '../../checkpoint/write';
import { writeZip, type ZipInput } from '../../checkpoint/zip';
import { TOKENS } from '../../recipes/shared/added-tokens';
import { type LoadedModels, type ResolvedSubject, resolveSubject } from '../models/subjects';
import { mergedWeights, smallFiles } from './merged';
import { onnxModel } from './onnx';
import { peftFiles } from './peft';
import { type Exported, exportedOf } from './subject';

/**
 * A model or a student as a file.
 * @throws InputError for an impossible request, ConfigError naming what the format cannot hold, NumericError
 * for values beyond its number type, CancelledError
 */
export async function exportModel(
  loaded: LoadedModels,
  request: ModelFileRequest,
  options: CallOptions = {},
): Promise<ModelFile> {
  const start = performance.now();
  const { format, dtype = 'f32', length = ONNX_LENGTH.default } = request;
  check(request);
  const subject = resolveSubject(request.subject, loaded);
  if (subject.model.onnx)
    throw new ConfigError(
      `${subject.model.report.name} is an ONNX export, whose weights are not read`,
      'Open the safetensors of the same model.',
    );
  const exported = exportedOf(subject);
  const stem = `${slug(subject.source)}-${format}`;
  const made =
    format === 'onnx'
      ? await onnxFile(exported, length, options)
      : { ...(await archive(subject, exported, format, dtype, options)), extension: 'zip' };
  const { extension, ...file } = made;
  return { ...file, name: `${stem}.${extension}`, milliseconds: performance.now() - start };
}

function check({ format, dtype = 'f32', length = ONNX_LENGTH.default }: ModelFileRequest): void {
  const oneOf = (value: string, known: readonly string[], what: string): void => {
    if (!known.includes(value))
      throw new InputError(`there is no ${what} ${quote(value)}`, `Choose one of ${listed(known)}.`);
  };
  oneOf(format, MODEL_FORMATS, 'format');
  oneOf(dtype, EXPORT_DTYPES, 'type of weights');
  if (!Number.isInteger(length) || length < ONNX_LENGTH.min || length > ONNX_LENGTH.max)
    throw new InputError(
      `a graph of ${quote(length)} positions; a whole number from ${ONNX_LENGTH.min} to ${ONNX_LENGTH.max} is expected`,
      'Choose a length in that range.',
    );
}

const slug = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 60) || 'model';

type Made = Pick<ModelFile, 'blob' | 'files' | 'notes'>;

async function onnxFile(
  exported: Exported,
  length: number,
  { signal }: CallOptions,
): Promise<Made & { readonly extension: string }> {
  const model = onnxModel(exported, length);
  const parts: Blob[] = [];
  for (const piece of model.pieces()) {
    throwIfCancelled(signal, 'writing the ONNX graph');
    parts.push(new Blob([piece]));
    await Promise.resolve();
  }
  const blob = new Blob(parts, { type: 'application/octet-stream' });
  return {
    extension: 'onnx',
    blob,
    files: [{ name: 'the graph with its weights', bytes: blob.size }],
    notes: [
      `The graph takes input_ids, int64 [1, ${length}], and gives logits, float32 [1, ${length}, ${exported.model.config.vocabSize}]; pad shorter texts on the right. It uses ONNX Runtime’s own operators (com.microsoft).`,
      ...notesOn(exported, true),
    ],
  };
}

async function archive(
  subject: ResolvedSubject,
  exported: Exported,
  format: 'peft' | 'merged',
  dtype: NonNullable<ModelFileRequest['dtype']>,
  { signal, report }: CallOptions,
): Promise<Made> {
  const start = performance.now();
  const files: (ZipInput & { readonly bytes: number })[] = [];
  const add = (name: string, bytes: Uint8Array<ArrayBuffer>): void => {
    files.push({ name, bytes: bytes.length, pieces: [bytes] });
  };
  if (format === 'peft') for (const [name, bytes] of Object.entries(peftFiles(exported))) add(name, bytes);
  else {
    for (const [name, bytes] of await smallFiles(exported.model, dtype)) add(name, bytes);
    const { bytes, pieces } = mergedWeights(exported, dtype);
    const tell = (done: number): void =>
      report?.({ phase: 'write', done, total: bytes, unit: 'bytes', elapsed: performance.now() - start });
    files.push({ name: 'model.safetensors', bytes, pieces: pieces(tell) });
  }
  if (exported.modules.length > 0) add(MODULES_FILE, modulesFile(exported));
  add(STUDENT_FILE, studentFile(subject, exported, format));
  return {
    blob: await writeZip(files, signal),
    files: files.map(({ name, bytes }) => ({ name, bytes })),
    notes: notesOn(exported, false),
  };
}

const modulesFile = ({ modules }: Exported): Uint8Array<ArrayBuffer> =>
  writeSafetensors(
    modules.map(({ name, shape, values }) => ({
      name,
      shape,
      dtype: 'f32',
      bytes: encodeFloats(values, 'f32'),
    })),
    new Map([['format', 'pt']]),
  );

/** lori_student.json: how the student reasons, for this program and for others. */
function studentFile(
  { source, reasoning, parameters }: ResolvedSubject,
  { model, adapters, rems, modules }: Exported,
  format: string,
): Uint8Array<ArrayBuffer> {
  // Adapters for writing a rationale are left out: the file has only those that reason.
  const { explicitAdapters: _, ...own } = reasoning;
  const about = {
    kind: 'lori-student',
    version: 1,
    about:
      'Between the question and its answer prompt the model is fed the stages of "reasoning", in order. "hidden": the final hidden state (after the last norm) is the next input embedding; "softmax": softmax(logits / temperature) times the input embedding is; "module": the named function of the final hidden state is, its tensors are in lori_modules.safetensors.',
    source,
    format,
    base: { name: model.report.name, sha256: model.report.sha256, sampled: model.report.sampled ?? false },
    reasoning: format === 'merged' ? { ...own, adapters: [] } : own,
    adapters: Object.fromEntries([...adapters, ...rems].map(({ name }) => [name, parameters.adapters[name]])),
    modules: modules.map(({ name, shape }) => ({ name, shape })),
  };
  return new TextEncoder().encode(`${JSON.stringify(about, null, 2)}\n`);
}

function notesOn({ model, modules, idle, adapters, rems, weights }: Exported, isGraph: boolean): string[] {
  const { storage } = model.config;
  const names = listed(
    modules.map(({ name }) => name),
    6,
  );
  const added = modules.find(({ name }) => name === TOKENS);
  return [
    ...(storage && !weights
      ? [
          `Here the matrices of its layers are kept in ${STORAGE_SHORT[storage]}; elsewhere they have the checkpoint’s own values, with which answers may differ.`,
        ]
      : []),
    ...(weights ? ['All weights are the trained ones; the base’s are not included.'] : []),
    ...(added
      ? [
          `Its ${added.shape[0]} added tokens are embeddings that no text has: tokenizer and vocabulary are the base’s.`,
        ]
      : []),
    ...(modules.length > 0
      ? [
          isGraph
            ? `The graph has only the model and its adapters: trained tensors outside the layers (${names}) are not in it, nor is the loop of latent thoughts.`
            : `Trained tensors outside the layers (${names}) are in ${MODULES_FILE}, and ${STUDENT_FILE} says what they do; other programs read the model without them.`,
        ]
      : []),
    ...(idle.length > 0
      ? [`Adapters that do not run while it answers are left out: ${listed(idle, 6)}.`]
      : []),
    ...(adapters.length + rems.length > 0 && isGraph ? ['The adapters are merged into the weights.'] : []),
  ];
}
