import { isFull, type RunConfig } from '../../../../contract/config';
import { methodOf } from '../../../../contract/methods/index';
import type { Methods } from '../../../../contract/methods/method';
import type { ExportDType } from '../../../../contract/model-files';
import type { SavedRun } from '../../../../contract/saved-run';
import { valueAt } from '../../../../contract/settings';
import { STORAGE_SHORT } from '../../../../contract/weight-storage';
import { listed, quote } from '../../../../text/quote';
import { ConfigError } from '../../../base/errors';
import { quote as quoteJson } from '../../../checkpoint/json';
import type { ZipInput } from '../../../checkpoint/zip';
import { explicitly } from '../../../decode/reasoning';
import { NO_PARAMETERS } from '../../../nn/parameters';
import type { Recipe } from '../../../recipes/shared/recipe';
import type { LoadedModel } from '../../models/pair';
import type { Roles } from '../../models/roles';
import { planOf, rationaleOf } from '../../runs/plan';
import type { RunData } from '../../runs/run-data';
import type { OpenedSnapshot } from '../../runs/snapshot-file';
import { stagesOf } from '../../runs/stages';
import { mergedWeights, smallFiles } from '../merged';
import { checkBelongs } from '../run-bundle';
import { type Exported, exportedOf } from '../subject';
import checkpoint from './checkpoint.py?raw';
import decoder from './decoder.py?raw';
import draws from './draws.py?raw';
import losses from './losses.py?raw';
import optimiser from './optimiser.py?raw';
import readme from './README.md?raw';
import tensors from './tensors.py?raw';
import train from './train.py?raw';

/** The methods that the program trains; it lacks the losses of the others. */
const METHODS_OF_PROGRAM = ['lori', 'codi', 'ce', 'nocot', 'cot-sft'];

const SOURCES = {
  'README.md': readme,
  'train.py': train,
  'losses.py': losses,
  'decoder.py': decoder,
  'optimiser.py': optimiser,
  'draws.py': draws,
  'checkpoint.py': checkpoint,
  'tensors.py': tensors,
};

/** A run with everything needed to continue its training. */
export interface ProgramParts {
  readonly run: SavedRun;
  readonly snapshot: OpenedSnapshot;
  /** The snapshot's bytes. */
  readonly student: Uint8Array<ArrayBuffer>;
  readonly roles: Roles;
  readonly recipe: Recipe;
  readonly data: RunData;
  readonly methods: Methods;
}

export interface ProgramFile extends ZipInput {
  readonly bytes: number;
}

/** @throws ConfigError naming the method or setting that the program lacks */
export function checkProgram(config: RunConfig, methods: Methods): void {
  const label = (id: string): string => `${methodOf(id, methods).label} (${id})`;
  if (!METHODS_OF_PROGRAM.includes(config.method))
    throw new ConfigError(
      `the PyTorch program does not have the losses of ${label(config.method)}`,
      `It trains ${listed(
        METHODS_OF_PROGRAM.filter((id) => methods.some((one) => one.id === id)).map(label),
        8,
      )}; take the run elsewhere as a bundle.`,
    );
  if (isFull(config))
    throw new ConfigError(
      'the PyTorch program trains adapters; this run trains all weights (training.weights)',
      'Export its student as merged weights, or take the run elsewhere as a bundle.',
    );
  if (config.method === 'lori' && config.weights.anchor > 0 && config.factors.anchor.hooi)
    throw new ConfigError(
      'the PyTorch program takes the anchor’s subspace from HOSVD; this run refines it by HOOI (factors.anchor.hooi)',
      'Train without HOOI, or take the run elsewhere as a bundle.',
    );
}

/**
 * The files of a program that continues the run's training in PyTorch: its Python, the run, its checkpoint,
 * and the models.
 * @throws ConfigError naming what the program lacks, InputError, FileError if run and snapshot do not belong
 * together
 */
export async function programFiles(
  parts: ProgramParts,
): Promise<{ readonly files: readonly ProgramFile[]; readonly notes: readonly string[] }> {
  const { run, snapshot, student, roles, methods } = parts;
  checkProgram(run.config, methods);
  checkBelongs(run, snapshot);
  const files: ProgramFile[] = [];
  const add = (name: string, bytes: Uint8Array<ArrayBuffer>): void => {
    files.push({ name, bytes: bytes.length, pieces: [bytes] });
  };
  for (const [name, text] of Object.entries(SOURCES)) add(name, new TextEncoder().encode(text));
  add('run.json', new TextEncoder().encode(`${JSON.stringify(aboutOf(parts))}\n`));
  add('checkpoint.safetensors', student);
  files.push(...(await modelFiles('model', plain(roles.student))));
  const teacher = teacherOf(parts);
  if (teacher !== null && teacher !== 'self') files.push(...(await modelFiles('teacher', teacher)));
  return { files, notes: notesOn(parts) };
}

const plain = (model: LoadedModel): Exported => ({ model, adapters: [], rems: [], modules: [], idle: [] });

/** The teacher model whose states are read, with its adapter; `null` if none are. */
function teacherOf({ run: { config }, roles, recipe }: ProgramParts): Exported | 'self' | null {
  const { teacher, student } = roles;
  if (!recipe.usesTeacher(config)) return null;
  if (!teacher.adapter) return teacher.model === student ? 'self' : plain(teacher.model);
  const { reasoning, parameters = NO_PARAMETERS, packs } = teacher.adapter;
  return exportedOf({ model: teacher.model, parameters, packs, reasoning: explicitly(reasoning) });
}

/**
 * `{folder}/config.json`, tokenizer, `{folder}/model.safetensors` in the number type that the weights are
 * stored in.
 */
async function modelFiles(folder: string, exported: Exported): Promise<ProgramFile[]> {
  const isMerged = exported.adapters.length + exported.rems.length > 0 || exported.weights !== undefined;
  const [dtype, ...others] = new Set(
    [...exported.model.weights.tensors.values()].map((tensor) => tensor.dtype),
  );
  const own: ExportDType =
    !isMerged && others.length === 0 && (dtype === 'f16' || dtype === 'bf16') ? dtype : 'f32';
  const small = await smallFiles(exported.model, own);
  const { bytes, pieces } = mergedWeights(exported, own);
  return [
    ...[...small].map(([name, content]) => ({
      name: `${folder}/${name}`,
      bytes: content.length,
      pieces: [content],
    })),
    { name: `${folder}/model.safetensors`, bytes, pieces: pieces() },
  ];
}

/** The program's run.json. */
function aboutOf(parts: ProgramParts): object {
  const { run, roles, recipe, data, methods, snapshot } = parts;
  const { config } = run;
  const { layout, trained } = planOf(config, recipe, roles, stagesOf(config, methods), data);
  const form = recipe.usesTeacher(config) ? rationaleOf(config) : undefined;
  const teacher = teacherOf(parts);
  return {
    kind: 'lori-torch-run',
    version: 1,
    config,
    models: snapshot.header.models,
    data: { ...snapshot.header.data, name: data.used.name },
    terms: methodOf(config.method, methods)
      .terms.filter(({ weight }) => valueAt(config, weight) !== 0)
      .map(({ name }) => name),
    decoder: sizesOf(roles.student),
    teacher: teacher === null || teacher === 'self' ? teacher : 'teacher',
    teacherDecoder: teacher === null || teacher === 'self' ? null : sizesOf(teacher.model),
    layout: { question: layout.question, answer: layout.answer, explicit: layout.explicit },
    prompt: roles.codec.prompt,
    samples: data.training.map(({ id, problem }, i) => {
      const { question, rationale, answer } = trained[i] as (typeof trained)[number];
      const read = form && { teacherRationale: roles.codec.encode(problem, form).rationale };
      return { id, question, rationale, answer, ...read };
    }),
  };
}

/** The sizes as the Python decoder's `Config` takes them. */
function sizesOf({ config: c }: LoadedModel): object {
  return {
    ...{ hidden: c.hiddenSize, intermediate: c.intermediateSize, layers: c.layers, heads: c.heads },
    ...{ kv_heads: c.kvHeads, head_dim: c.headDim, vocab: c.vocabSize, eps: c.normEps, theta: c.ropeTheta },
    tied: c.tieWordEmbeddings,
    rope_scaling: c.ropeScaling ?? null,
    gpt2: c.weightNames === 'gpt2',
  };
}

function notesOn({ run, snapshot, roles }: ProgramParts): string[] {
  const { status, step } = snapshot.header;
  const { steps } = run.config.optimiser;
  const { storage } = roles.student.config;
  return [
    status === 'done'
      ? 'The run is done, and its optimiser’s moments were not kept: train.py starts over, from the same initial values and in the same order.'
      : `train.py continues after step ${step} of ${steps}.`,
    'Validation, held-out accuracy and observation are not in the program: it trains, and its checkpoint is evaluated here.',
    ...(storage
      ? [
          `Here the matrices of ${quoteJson(roles.student.report.name)} were used in ${STORAGE_SHORT[storage]}; the program has the original weights, so its losses differ by the rounding.`,
        ]
      : []),
    ...(run.config.roles.teacher === 'kept'
      ? [`The teacher comes with its adapter merged (${quote(roles.teacher.label)}).`]
      : []),
  ];
}
