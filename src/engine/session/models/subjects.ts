import type { Subject } from '../../../contract/lens';
import type { DataUsed } from '../../../contract/roles';
import { STORAGE_SHORT } from '../../../contract/weight-storage';
import { quote } from '../../../text/quote';
import { InputError } from '../../base/errors';
import { type ProblemCodec, problemCodec } from '../../data/tokens';
import { type Reasoning, thoughtsIn } from '../../decode/reasoning';
import { NO_PARAMETERS, type ParameterSpecs } from '../../nn/parameters';
import { BASE_REASONING } from '../../recipes/shared/recipe';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import type { OpenedData } from '../data/opened-data';
import type { Student, StudentSpec } from '../runs/student';
import type { LoadedModel, Pair } from './pair';
import type { Example, ProblemSet } from './problems';
import type { KeptModel, Roles } from './roles';

/** A student as it was at a step of its run. */
export interface StudentCheckpoint extends Student {
  readonly step: number;
}

/** A model opened from files. */
export interface OpenedModel {
  readonly model: LoadedModel;
  readonly tokenizer: Tokenizer;
  /** The model without the adapter that is merged into it, if there is one. */
  readonly base?: OpenedModel;
  /** How it reasons, if its files say so. */
  readonly latent?: LatentStudent;
}

/** A model that was trained to reason in latents: what makes its thoughts, and how they are fed. */
export interface LatentStudent extends StudentSpec {
  /** Values of `parameters`. */
  readonly packs: readonly Float32Array<ArrayBuffer>[];
}

/** Everything that can be examined. */
export interface LoadedModels {
  readonly pair?: Pair;
  /** The pair's data set. */
  readonly problems?: ProblemSet;
  /** The student of the last run. */
  readonly student?: Student;
  /** What was kept as teacher. */
  readonly kept?: KeptModel | undefined;
  /** The opened data set. */
  readonly data?: OpenedData | undefined;
  /** By id. */
  readonly checkpoints: ReadonlyMap<number, StudentCheckpoint>;
  readonly opened?: OpenedModel;
  /** What they run on: WebGPU keeps all weights as float32. */
  readonly provider?: 'webgpu' | 'wasm' | undefined;
}

/** A subject with everything needed to run it. */
export interface ResolvedSubject {
  readonly kind: Subject['kind'];
  /** `teacher`, `student, step 50`, … */
  readonly label: string;
  /**
   * Name of the weights, and for a student how it was trained: `word-problems-base, LoRi, 128 samples, seed
   * 1`.
   */
  readonly source: string;
  readonly model: LoadedModel;
  readonly tokenizer: Tokenizer;
  /** For word problems. @throws InputError if the model names no end token (texts can still be read) */
  readonly codec: () => ProblemCodec;
  /** What was trained, and its values. */
  readonly parameters: ParameterSpecs;
  readonly packs: readonly Float32Array<ArrayBuffer>[];
  /** How it reasons; for a model that was not trained to, a run's default settings. */
  readonly reasoning: Reasoning;
  /** K of its reasoning; 0 if it answers directly. */
  readonly latentSteps: number;
  /** For a student trained on an opened data set, what its run held out, or null if that is missing. */
  readonly own?:
    | ({ readonly examples: readonly Example[] } & Pick<DataUsed, 'name' | 'sha256' | 'rule'>)
    | null
    | undefined;
  /** Equal if and only if the weights are: results computed for a subject may be cached under this key. */
  readonly key: string;
}

/**
 * Finds the models of a subject.
 * @throws InputError if no pair is loaded, no student has been trained, the checkpoint is not kept, nothing is opened, or
 * the subject is none of these
 */
export function resolveSubject(subject: Subject, loaded: LoadedModels): ResolvedSubject {
  if (subject.kind === 'opened') {
    const { opened } = loaded;
    if (!opened) throw new InputError('no checkpoint is open', 'Open one from its files in the Model panel.');
    const { model, tokenizer, latent } = opened;
    const plain = ofModel('opened', model, tokenizer, () => problemCodec(tokenizer, model.endIds));
    const resolved = latent ? { ...plain, ...latent, latentSteps: thoughtsIn(latent.reasoning) } : plain;
    const { storage } = model.config;
    if (!storage) return resolved;
    return { ...resolved, source: `${resolved.source}, matrices in ${STORAGE_SHORT[storage]}` };
  }
  if (subject.kind === 'student' && (loaded.student ?? loaded.checkpoints.size > 0))
    return resolveStudent(subject.checkpoint, loaded);
  const { pair } = loaded;
  if (!pair) throw new InputError('no models are loaded', 'Load the bundled pair first.');
  if (subject.kind === 'teacher' || subject.kind === 'base')
    return ofModel(subject.kind, pair[subject.kind], pair.tokenizer, () => pair.codec);
  if (subject.kind !== 'student')
    throw new InputError(
      `there is no subject ${quote((subject as { kind: unknown }).kind)}`,
      'Choose teacher, base, student or opened.',
    );
  return resolveStudent(subject.checkpoint, loaded);
}

/** A student on its own model. */
function resolveStudent(checkpoint: number | undefined, loaded: LoadedModels): ResolvedSubject {
  const { roles, ...student } = studentOf(checkpoint, loaded);
  const { student: model, tokenizer, codec } = roles ?? bundled(loaded.pair);
  return {
    ...ofModel('student', model, tokenizer, () => codec),
    ...student,
    source: `${model.report.name}, ${student.source}`,
    key: `${serial(model)} ${serial(student.packs)}`,
  };
}

/**
 * The opened model as one to be stepped through: its identity, and what it runs on.
 * @throws InputError if nothing is open, or its files do not say that it reasons in thoughts
 */
export function steppedOf(opened: OpenedModel | undefined) {
  if (!opened) throw new InputError('no checkpoint is open', 'Open one in the Model panel.');
  const { model, tokenizer, latent } = opened;
  if (!latent)
    throw new InputError(
      `${model.report.name} was not trained to reason in thoughts, as far as its files say`,
      'Open a published latent-reasoning student, or choose another student.',
    );
  const codec = problemCodec(tokenizer, model.endIds);
  return { student: { ...latent, label: model.report.name }, on: { base: model, tokenizer, codec } };
}

type StudentParts = Pick<
  ResolvedSubject,
  'source' | 'label' | 'reasoning' | 'latentSteps' | 'parameters' | 'packs' | 'own'
> &
  Pick<Student, 'roles'>;

const partsOf = (
  { label: source, reasoning, parameters, packs, roles, config, examples }: Student,
  label: string,
): StudentParts => ({
  ...{ label, source, reasoning, parameters, packs, roles },
  latentSteps: thoughtsIn(reasoning),
  ...(config.roles.data === 'opened' && {
    own: examples ? { examples: examples.heldOut, ...examples.used } : null,
  }),
});

const bundled = (pair: Pair | undefined): Pick<Roles, 'student' | 'tokenizer' | 'codec'> => {
  if (!pair) throw new InputError('no models are loaded', 'Load the bundled pair first.');
  return { ...pair, student: pair.base };
};

function studentOf(checkpoint: number | undefined, { student, checkpoints }: LoadedModels): StudentParts {
  if (checkpoint === undefined) {
    if (!student)
      throw new InputError('no student has been trained yet', 'Distil one first, or choose another model.');
    return partsOf(student, 'student');
  }
  const kept = checkpoints.get(checkpoint);
  if (!kept) {
    const ids = [...checkpoints.keys()];
    throw new InputError(
      `checkpoint ${checkpoint} is not kept; ${ids.length === 0 ? 'there are none' : `there are ${ids.join(', ')}`}`,
      'Choose one of the kept checkpoints, or distil a student with observation on.',
    );
  }
  return partsOf(kept, `student, step ${kept.step}`);
}

/** A model without trained values. If its latents are requested, they are made with a run's default settings. */
function ofModel(
  kind: Subject['kind'],
  model: LoadedModel,
  tokenizer: Tokenizer,
  codec: () => ProblemCodec,
): ResolvedSubject {
  return {
    kind,
    label: kind,
    source: model.report.name,
    model,
    tokenizer,
    codec,
    parameters: NO_PARAMETERS,
    packs: [],
    reasoning: BASE_REASONING,
    latentSteps: thoughtsIn(BASE_REASONING),
    key: serial(model),
  };
}

const serials = new WeakMap<object, number>();
let last = 0;

/** A name that is unique to an object. */
function serial(thing: object): string {
  const known = serials.get(thing) ?? ++last;
  serials.set(thing, known);
  return String(known);
}
