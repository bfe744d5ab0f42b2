import {
  INDEX,
  isOnnxFile,
  isStaleIndex,
  isTorchFile,
  ownSafetensors,
  recogniseQuantised,
  recogniseTokenizer,
  recogniseWeights,
  WEIGHTS,
  type WrongFiles,
  weightFilesOf,
} from '../../../contract/checkpoint-files';
import type { ModelReport } from '../../../contract/events';
import type { NamedFile } from '../../../contract/lens';
import { MODULES_FILE, STUDENT_FILE } from '../../../contract/model-files';
import { ConfigError, FileError, throwIfCancelled } from '../../base/errors';
import { parseModelConfig } from '../../checkpoint/config';
import { recogniseLayout } from '../../checkpoint/latent/layouts';
import { matchTensors } from '../../checkpoint/load';
import { locateCheckpoint, locateTensors, parseIndex } from '../../checkpoint/locate';
import { blobSource } from '../../checkpoint/source';
import { StoredWeights } from '../../checkpoint/stored-weights';
import { thoughtsIn } from '../../decode/reasoning';
import { packedSource } from '../../nn/weight-source';
import { expectedTensors } from '../../nn/weights';
import { baseIsMissing, readAdapter, splitAdapter, withAdapter } from './adapter-open';
import {
  CANCELLED,
  fileOf,
  fingerprint,
  folderOf,
  json,
  lastPart,
  matchedList,
  missing,
  namedFiles,
  notesOnModules,
  notesOnUnread,
  readWhole,
  smallFilesOf,
  sourcesOf,
  unpacked,
} from './chosen-files';
import { GENERATION_CONFIG, withGenerationEnds } from './generation-config';
import { reportOn } from './model-report';
import { onnxFilesOf, openOnnx } from './onnx-open';
import { MAX_WHOLE_BYTES, type OpenOptions } from './open-options';
import { endIdsOf } from './pair';
import { openRelease } from './release-model';
import { studentOfFile } from './student-file';
import type { OpenedModel } from './subjects';
import { openTokenizer } from './tokenizer-files';

/**
 * Opens a checkpoint from its files: config.json, tokenizer.json, model.safetensors or shards with their
 * index (f32, f16 or bf16), and tokenizer_config.json, chat_template.jinja and generation_config.json (its
 * end tokens) if there are any. Other files are ignored, those with weights not without a note. Without safetensors, an ONNX export is opened
 * instead, see `openOnnx`. A PEFT adapter among the files is merged into them, or into one of `bases` if it
 * comes alone, see `withAdapter`. Archives (.zip) are unpacked first.
 *
 * Of large weights only the headers and a sample are read, to check them against config.json, and a head that
 * config.json ties to the embedding, to compare the two; values are read tensor by tensor whenever the device
 * needs them, which is when NaN and infinities are found.
 * @throws FileError naming the file that is missing or damaged, ConfigError for an unsupported architecture or a
 *   tokenizer from another model, NumericError for weights that are not finite, CancelledError
 */
export async function openModel(
  chosen: readonly NamedFile[],
  options: OpenOptions = {},
): Promise<OpenedModel> {
  throwIfCancelled(options.signal, CANCELLED);
  const files = (await unpacked(chosen)).filter(({ name }) => !ASIDE.test(lastPart(name)));
  const split = splitAdapter(files);
  if (!split) return openPlain(files, options);
  const adapter = await readAdapter(split.adapter);
  const base =
    split.base.length > 0
      ? await openPlain(split.base, options)
      : baseFor(adapter.config.baseName, options.bases);
  if (!base) throw baseIsMissing(adapter);
  const { opened } = options.bases ?? {};
  const onOpened = base === (opened?.base ?? opened);
  const merged = await withAdapter(base, adapter, { maxWholeBytes: MAX_WHOLE_BYTES, ...options, onOpened });
  return withReport(merged, {
    ...withList(merged.model.report, base.model.report),
    notes: [...(merged.model.report.notes ?? []), ...notesOnModules([...adapter.byName.keys()])],
  });
}

/** The base's tensors one by one; the adapter's are only counted. */
function withList({ matched }: ModelReport, base: ModelReport): Pick<ModelReport, 'matched'> {
  const list = base.matched?.list;
  return matched && list ? { matched: { ...matched, list } } : {};
}

/** What Trainer writes beside weights under the same ending: never the model's, and pickles of arbitrary objects. */
const ASIDE = /^(training_args|optimizer|scheduler)\.bin$/;

const withReport = (opened: OpenedModel, changes: Partial<ModelReport>): OpenedModel => {
  const { model } = opened;
  // In place, since the weights of an ONNX export are a property that refuses to be read, and so to be copied.
  Object.assign(model, { report: { ...model.report, ...changes } });
  return opened;
};

/** The base with this name, else the opened model; without an adapter that it may have. */
function baseFor(name: string | undefined, bases: OpenOptions['bases']): OpenedModel | undefined {
  const opened = bases?.opened && (bases.opened.base ?? bases.opened);
  const all = [...(opened ? [opened] : []), ...(bases?.others ?? [])];
  const named = name && all.find(({ model }) => lastPart(model.report.name) === lastPart(name));
  return named || opened;
}

/** A checkpoint without an adapter. */
async function openPlain(files: readonly NamedFile[], options: OpenOptions): Promise<OpenedModel> {
  const { signal, readBlob, maxWholeBytes = MAX_WHOLE_BYTES } = options;
  const byName = namedFiles(files);
  const names = [...byName.keys()];
  const hasWeights = names.some((name) => name.endsWith('.safetensors') || isTorchFile(name));
  refuse(recogniseWeights(names));
  const exports = onnxFilesOf(byName);
  if (exports.length > 0) return openExport(exports, byName, options);
  // Releases of latent students come without one, or with an empty one.
  const config = byName.get('config.json')?.size ? await json(byName, 'config.json') : undefined;
  if (config !== undefined) refuse(recogniseQuantised(config), ConfigError);
  else if (!hasWeights) throw missing('config.json', byName);
  const parsed = config === undefined ? undefined : parseModelConfig(config);
  const { blobs, unnamed, index, instead, stale } = weightFiles(
    byName,
    byName.has(INDEX) ? await json(byName, INDEX) : undefined,
  );
  const bytes = [...blobs.values()].reduce((n, { size }) => n + size, 0);
  const whole = readBlob === undefined || bytes <= maxWholeBytes;
  const located = await locateCheckpoint(sourcesOf(blobs, readBlob), index, sourcesOf(unnamed, readBlob));
  const unread = [...stale, ...notesOnUnread(names, [...blobs.keys(), ...unnamed.keys()], instead)];
  const layout = recogniseLayout(located.found.keys());
  if (layout)
    return openRelease(layout, {
      ...{ byName, blobs, index, config, located, unread, bytes, whole, files, options },
    });
  refuse(recogniseTokenizer(names));
  if (parsed === undefined) throw missing('config.json', byName);
  // Everything that the headers rule out is refused before the weights are read.
  const resolved = await matchTensors(parsed, located, expectedTensors(parsed), signal);
  const { tokenizer, notes: lacking } = await openTokenizer(byName, (name) => json(byName, name), parsed);
  throwIfCancelled(signal, CANCELLED);

  const read = whole ? await readWhole(blobs, bytes, options) : undefined;
  const { tensors } = read
    ? await matchTensors(
        parsed,
        { found: await locateTensors(read.sources, index) },
        expectedTensors(parsed),
        signal,
      )
    : resolved;
  const stored = new StoredWeights(tensors);
  if (whole)
    for (const name of tensors.keys()) {
      throwIfCancelled(signal, CANCELLED);
      stored.read(name);
    }
  const sha256 = read?.sha256 ?? (await fingerprint(blobs.values(), options));
  const ends = withGenerationEnds(
    endIdsOf(parsed, tokenizer),
    byName.has(GENERATION_CONFIG) ? await json(byName, GENERATION_CONFIG) : undefined,
    parsed.vocabSize,
  );
  const latent = byName.has(STUDENT_FILE)
    ? await studentOfFile(await json(byName, STUDENT_FILE), byName.get(MODULES_FILE), parsed)
    : undefined;
  const notes = [
    ...lacking,
    ...resolved.notes,
    ...ends.notes,
    ...unread,
    ...(latent
      ? [`${STUDENT_FILE} says how it reasons: as a student that was trained here, with its adapters merged.`]
      : []),
  ];
  return {
    ...(latent && { latent }),
    tokenizer,
    model: {
      config: parsed,
      endIds: ends.endIds,
      files: smallFilesOf(byName),
      weights: packedSource(parsed, stored),
      report: {
        ...reportOn(config, parsed, {
          ...{ bytes, sha256, whole, notes, folder: folderOf(files) },
          matched: matchedList(resolved.tensors),
        }),
        ...(latent && { thoughts: thoughtsIn(latent.reasoning) }),
      },
    },
  };
}

/** An ONNX export, with what is said of other weights beside it. */
async function openExport(
  exports: readonly string[],
  byName: ReadonlyMap<string, Blob>,
  options: OpenOptions,
): Promise<OpenedModel> {
  const opened = await openOnnx(
    exports,
    {
      byName,
      json: (name) => json(byName, name),
      source: (blob) => blobSource(blob, options.readBlob),
      fingerprint: (blobs) => fingerprint(blobs, { signal: options.signal }),
    },
    options,
  );
  const others = [...byName.keys()].filter((name) => !isOnnxFile(name));
  const { notes = [] } = opened.model.report;
  return withReport(opened, { notes: [...notes, ...notesOnUnread(others, [], `${exports[0]} is opened`)] });
}

interface WeightFiles {
  /** In the order of their names. */
  readonly blobs: ReadonlyMap<string, Blob>;
  /** Safetensors that the index does not name. */
  readonly unnamed: ReadonlyMap<string, Blob>;
  /** Undefined without one, and if it is stale. */
  readonly index: unknown;
  /** Why other files with weights are not read: "the weights are in safetensors". */
  readonly instead: string;
  /** What is said of a stale index. */
  readonly stale: readonly string[];
}

function weightFiles(byName: ReadonlyMap<string, Blob>, index: unknown): WeightFiles {
  const all = [...byName.keys()];
  const shards = index === undefined ? undefined : [...parseIndex(index).values()];
  const names = weightFilesOf(all, shards);
  if (names.length === 0) throw missing('model.safetensors', byName);
  const pick = (some: readonly string[]): ReadonlyMap<string, Blob> =>
    new Map(some.map((name) => [name, fileOf(byName, name)]));
  const isStale = shards !== undefined && isStaleIndex(all, shards);
  const byIndex = shards !== undefined && !isStale;
  return {
    blobs: pick(names),
    unnamed: byIndex ? pick(ownSafetensors(all).filter((name) => !names.includes(name))) : new Map(),
    index: byIndex ? index : undefined,
    instead: names.some(isTorchFile)
      ? 'the weights are in a state dict'
      : `the weights are in ${isStale ? `${WEIGHTS}, which comes first, as in transformers` : 'safetensors'}`,
    stale: isStale
      ? [`"${INDEX}" is not used: it does not name ${WEIGHTS}, which comes first, as in transformers.`]
      : [],
  };
}

/** Refuses files that users have instead of a checkpoint's, naming what they are. */
function refuse(wrong: WrongFiles | null, Refusal: typeof FileError | typeof ConfigError = FileError): void {
  if (wrong !== null) throw new Refusal(wrong.what, wrong.hint);
}

/**
 * Describes a model from its config.json (parsed), before any weights are there.
 * @throws ConfigError if such a model cannot be opened
 */
export function describeConfig(config: unknown): ModelReport {
  refuse(recogniseQuantised(config), ConfigError);
  const model = parseModelConfig(config);
  return reportOn(config, model, { bytes: 0, sha256: '', whole: true, notes: model.notes });
}
