/** PEFT adapters: recognises one among the chosen files, and merges it into its model as weights are read. */
import type { CallOptions } from '../../../contract/calls';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, PCCOT_FILE } from '../../../contract/checkpoint-files';
import type { ModelReport } from '../../../contract/events';
import type { NamedFile } from '../../../contract/lens';
import { MODULES_FILE, STUDENT_FILE } from '../../../contract/model-files';
import { listed } from '../../../text/quote';
import type { HostTensor } from '../../base/dtype';
import { ConfigError, FileError, throwIfCancelled } from '../../base/errors';
import { sha256Hex } from '../../base/sha256';
import { locateTensors, type TensorLocation } from '../../checkpoint/locate';
import { type PeftConfig, parsePeftConfig } from '../../checkpoint/peft/config';
import { type AdapterPlan, planAdapter } from '../../checkpoint/peft/plan';
import { checkFloat } from '../../checkpoint/safetensors';
import { blobSource, memorySource, type ReadBlob } from '../../checkpoint/source';
import { StoredWeights } from '../../checkpoint/stored-weights';
import { thoughtsIn } from '../../decode/reasoning';
import type { DecoderConfig } from '../../nn/config';
import { type Overlay, overlaidSource, type ReadRows } from '../../nn/overlay';
import { HEAD_NAME, outerWeights } from '../../nn/weight-parts';
import { expectedTensors, transpose } from '../../nn/weights';
import { CANCELLED, fingerprint, hashOf, json, lastPart, namedFiles, readAll } from './chosen-files';
import { type LoadedModel, parametersOf } from './pair';
import { isPccot, pccotStudent } from './release-pccot';
import { studentOfFile } from './student-file';
import type { LatentStudent, OpenedModel } from './subjects';
import { openTokenizer } from './tokenizer-files';

const [WEIGHTS, PICKLED_WEIGHTS] = ADAPTER_WEIGHTS;
const ADAPTER = /^adapter_(config\.json|model\.(safetensors|bin))$/;
const BASE_WEIGHTS = /^(?!adapter_model|lori_modules).*\.(safetensors|bin|onnx)$/;

export interface SplitFiles {
  readonly adapter: readonly NamedFile[];
  /** Files that are not the adapter's, possibly none. */
  readonly base: readonly NamedFile[];
}

const fileName = ({ name }: NamedFile): string => lastPart(name);
const placeOf = (file: NamedFile): string =>
  `${file.folder ?? ''}/${file.name.slice(0, file.name.length - fileName(file).length)}`;

/**
 * Splits chosen files into the adapter, with the other files of its folder, and the rest; undefined if there
 * is no adapter. If it shares a folder with its base, only the files `adapter_…` are the adapter's.
 * @throws FileError for several adapters
 */
export function splitAdapter(files: readonly NamedFile[]): SplitFiles | undefined {
  const places = new Set(files.filter((file) => ADAPTER.test(fileName(file))).map(placeOf));
  const [place, ...others] = places;
  if (place === undefined) return undefined;
  if (others.length > 0)
    throw new FileError(
      `there are ${places.size} adapters among the files`,
      'Choose one adapter, with its base model or after its base model is open.',
    );
  const beside = files.filter((file) => placeOf(file) === place);
  const shared = beside.some((file) => BASE_WEIGHTS.test(fileName(file)));
  const isAdapter = (file: NamedFile): boolean =>
    placeOf(file) === place && (!shared || ADAPTER.test(fileName(file)));
  return { adapter: files.filter(isAdapter), base: files.filter((file) => !isAdapter(file)) };
}

export interface AdapterOptions extends CallOptions {
  readonly readBlob?: ReadBlob;
  readonly maxWholeBytes: number;
  /** Whether the base is the open model. */
  readonly onOpened: boolean;
}

/** What is read of an adapter before its base is found. */
export interface ReadAdapter {
  readonly byName: ReadonlyMap<string, Blob>;
  readonly config: PeftConfig;
}

/** @throws FileError naming what is missing, ConfigError naming the option that is not supported */
export async function readAdapter(files: readonly NamedFile[]): Promise<ReadAdapter> {
  const byName = namedFiles(files);
  if (!byName.has(ADAPTER_CONFIG))
    throw new FileError(
      `there is an adapter without its ${ADAPTER_CONFIG}, which says how it is applied`,
      `Choose ${ADAPTER_CONFIG} together with the other files of the adapter.`,
    );
  return { byName, config: parsePeftConfig(await json(byName, ADAPTER_CONFIG)) };
}

/** The error if no base is open. */
export const baseIsMissing = ({ config: { baseName } }: ReadAdapter): FileError =>
  new FileError(
    `these files are an adapter (PEFT, LoRA) without its base model${baseName === undefined ? ', which adapter_config.json does not name' : `, ${JSON.stringify(baseName.slice(0, 100))}`}`,
    `Open ${baseName === undefined ? 'the base model' : 'that model'} first, then drop the adapter again; or drop both together. Or merge it in Python: AutoPeftModelForCausalLM.from_pretrained(folder).merge_and_unload().save_pretrained(out).`,
  );

/**
 * The base with the adapter: W + s·B·A, computed tensor by tensor whenever weights are read.
 * @throws FileError, ConfigError naming what does not fit; NumericError for values that are not finite; CancelledError
 */
export async function withAdapter(
  base: OpenedModel,
  { byName, config: peft }: ReadAdapter,
  options: AdapterOptions,
): Promise<OpenedModel> {
  const { model } = base;
  if (model.onnx)
    throw new ConfigError(
      `an adapter is merged into a model’s weights; ${model.report.name} is an ONNX export`,
      'Open the safetensors of the same model, then drop the adapter again.',
    );
  const { tensors, sha256, bytes, notes: ofFile } = await readWeights(byName, options);
  const plan = planFor(peft, tensors, model.config);
  for (const name of usedIn(plan)) checkFloat((tensors.get(name) as TensorLocation).entry);
  const stored = new StoredWeights(tensors);
  if (options.readBlob === undefined || bytes <= options.maxWholeBytes)
    for (const name of tensors.keys()) stored.read(name);
  throwIfCancelled(options.signal, CANCELLED);
  const { storage: _, ...plain } = model.config;
  const config = { ...plain, vocabSize: plan.vocabSize, tieWordEmbeddings: plan.tied };
  const opened = byName.has('tokenizer.json')
    ? await openTokenizer(byName, (name) => json(byName, name), config)
    : { tokenizer: base.tokenizer, notes: [] };
  const merged: LoadedModel = {
    config,
    endIds: model.endIds,
    ...(model.files && { files: new Map([...model.files, ...ownTokenizer(byName)]) }),
    weights: overlaidSource(config, model.weights, overlaysOf(plan, stored, config)),
    report: {
      ...model.report,
      role: 'opened',
      name: `${model.report.name} with an adapter`,
      sha256: await sha256Hex(new TextEncoder().encode(`${model.report.sha256} ${sha256}`)),
      bytes: model.report.bytes + bytes,
      parameters: parametersOf(config),
      vocabulary: config.vocabSize,
      tied: config.tieWordEmbeddings,
      adapter: {
        base: model.report.name,
        onOpened: options.onOpened,
        linears: plan.lora.length,
        ranks: [...new Set(plan.lora.map(({ rank }) => rank))].sort((x, y) => x - y),
      },
      ...matched(model.report, tensors.size, bytes),
      notes: [
        ...notesOn(peft, plan, model.report),
        ...ofFile,
        ...opened.notes,
        ...(model.report.notes ?? []),
      ],
    },
  };
  const result = { model: merged, tokenizer: opened.tokenizer, base };
  const settings = byName.get('config.json')?.size ? await json(byName, 'config.json') : undefined;
  const { latent, notes } = await latentOf(byName, settings, merged);
  if (!latent) return result;
  const told = [...notes, ...(merged.report.notes ?? [])];
  return {
    ...result,
    latent,
    model: { ...merged, report: { ...merged.report, thoughts: thoughtsIn(latent.reasoning), notes: told } },
  };
}

const TOKENIZER_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
];

/** The adapter's own tokenizer takes the place of the base's. */
const ownTokenizer = (byName: ReadonlyMap<string, Blob>): [string, Blob][] =>
  byName.has('tokenizer.json') ? [...byName].filter(([name]) => TOKENIZER_FILES.includes(name)) : [];

/** How the student reasons, if a file beside the adapter says so. */
async function latentOf(
  byName: ReadonlyMap<string, Blob>,
  settings: unknown,
  merged: LoadedModel,
): Promise<{ readonly latent?: LatentStudent | undefined; readonly notes: readonly string[] }> {
  if (isPccot(settings) || byName.has(PCCOT_FILE))
    return pccotStudent(settings, await json(byName, PCCOT_FILE), merged);
  if (!byName.has(STUDENT_FILE)) return { notes: [] };
  const modules = byName.get(MODULES_FILE);
  return {
    latent: await studentOfFile(await json(byName, STUDENT_FILE), modules, merged.config),
    notes: [`${STUDENT_FILE} says how it reasons: as a student that was trained here.`],
  };
}

const matched = ({ matched: own }: ModelReport, tensors: number, bytes: number) =>
  own ? { matched: { tensors: own.tensors + tensors, bytes: own.bytes + bytes } } : {};

async function readWeights(
  byName: ReadonlyMap<string, Blob>,
  options: AdapterOptions,
): Promise<{
  tensors: ReadonlyMap<string, TensorLocation>;
  sha256: string;
  bytes: number;
  notes: readonly string[];
}> {
  const name = byName.has(WEIGHTS) ? WEIGHTS : PICKLED_WEIGHTS;
  const blob = byName.get(name);
  if (!blob)
    throw new FileError(
      `${WEIGHTS} is missing; given: ${listed([...byName.keys()], 12)}`,
      `Choose ${WEIGHTS}, or ${PICKLED_WEIGHTS}, together with ${ADAPTER_CONFIG}.`,
    );
  const { readBlob, maxWholeBytes } = options;
  const bytes = blob.size;
  if (readBlob !== undefined && bytes > maxWholeBytes)
    return {
      tensors: await locateTensors(new Map([[name, blobSource(blob, readBlob)]])),
      sha256: await fingerprint([blob], options),
      ...{ bytes, notes: pickleNotes(byName) },
    };
  const whole = await readAll(blob, name);
  const tensors = await locateTensors(new Map([[name, memorySource(whole.buffer)]]));
  return { tensors, sha256: await hashOf([whole]), bytes, notes: pickleNotes(byName) };
}

const pickleNotes = (byName: ReadonlyMap<string, Blob>): string[] => {
  if (!byName.has(PICKLED_WEIGHTS)) return [];
  return [
    byName.has(WEIGHTS)
      ? `${PICKLED_WEIGHTS} is ignored: ${WEIGHTS} holds the adapter.`
      : `${PICKLED_WEIGHTS} is a pickle; it was read as data, and nothing in it was run.`,
  ];
};

function planFor(
  peft: PeftConfig,
  tensors: ReadonlyMap<string, TensorLocation>,
  config: DecoderConfig,
): AdapterPlan {
  const embedding = outerWeights(config).embedding?.parts[0]?.name as string;
  return planAdapter(peft, new Map([...tensors].map(([name, { entry }]) => [name, entry])), {
    tensors: expectedTensors(config),
    embedding,
    head: HEAD_NAME,
    tied: config.tieWordEmbeddings,
  });
}

const usedIn = ({ lora, added, replaced, rows }: AdapterPlan): string[] => [
  ...lora.flatMap(({ a, b }) => [a, b]),
  ...[...added, ...replaced, ...rows].map(({ tensor }) => tensor),
];

function overlaysOf(
  plan: AdapterPlan,
  stored: StoredWeights,
  config: DecoderConfig,
): ReadonlyMap<string, readonly Overlay[]> {
  const transposed = new Set(expectedTensors(config).flatMap((part) => (part.transposed ? [part.name] : [])));
  const overlays = new Map<string, Overlay[]>();
  const add = (target: string, overlay: Overlay): void => {
    overlays.set(target, [...(overlays.get(target) ?? []), overlay]);
  };
  const reader =
    (name: string): ReadRows =>
    (from, to) =>
      stored.read(name, from, to);
  for (const { target, tensor } of plan.replaced)
    add(target, { kind: 'replace', read: transposed.has(target) ? turned(reader(tensor)) : reader(tensor) });
  for (const { target, tensor, rows } of plan.rows) add(target, { kind: 'rows', rows, read: reader(tensor) });
  for (const { target, a, b, scale } of plan.lora)
    add(target, { kind: 'lora', a: reader(a), b: reader(b), scale });
  for (const { target, tensor, scale } of plan.added)
    add(target, { kind: 'add', read: reader(tensor), scale });
  return overlays;
}

/** Rows of the transpose. */
const turned =
  (read: ReadRows): ReadRows =>
  (from = 0, to) => {
    const { dtype, shape, data } = transpose(read());
    const width = shape[1] as number;
    const end = to ?? (shape[0] as number);
    return {
      dtype,
      shape: [end - from, width],
      data: data.subarray(from * width, end * width),
    } as HostTensor;
  };

function notesOn(peft: PeftConfig, plan: AdapterPlan, base: ModelReport): string[] {
  const ranks = [...new Set(plan.lora.map(({ rank }) => rank))].sort((x, y) => x - y);
  const scales = [...new Set(plan.lora.map(({ scale }) => Number(scale.toPrecision(6))))].sort(
    (x, y) => x - y,
  );
  const { baseName } = peft;
  return [
    ...(plan.lora.length > 0
      ? [
          `The adapter is merged as the weights are read: W + s·B·A in float32 for ${plan.lora.length} linears, rank ${listed(ranks.map(String), 6)}, s = α/r = ${listed(scales.map(String), 6)}.`,
        ]
      : []),
    ...(plan.replaced.length > 0
      ? [
          `The adapter replaces ${listed(
            plan.replaced.map(({ target }) => JSON.stringify(target)),
            6,
          )}.`,
        ]
      : []),
    ...plan.rows.map(
      ({ target, rows }) =>
        `The adapter replaces rows ${listed(rows.map(String), 8)} of ${JSON.stringify(target)}.`,
    ),
    ...plan.notes,
    ...(baseName !== undefined && lastPart(baseName) !== lastPart(base.name)
      ? [
          `adapter_config.json names ${JSON.stringify(baseName.slice(0, 100))} as its base; it is applied to ${JSON.stringify(base.name)}, whose tensors have the same names and shapes. They cannot show whether it is the same model.`,
        ]
      : []),
  ];
}
