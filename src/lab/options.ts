import { RULE_IDS } from '../contract/answer-rules';
import { DATA_FORMATS } from '../contract/data';
import { EVALUATION_MODES, MAX_TOGETHER } from '../contract/evaluation';
import type { Accuracy } from '../contract/events';
import { GENERATE_SETTINGS, type GenerateSettings } from '../contract/generate';
import { CONTROLS, STACKS } from '../contract/lens';
import { EXPORT_DTYPES, MODEL_FORMATS, ONNX_LENGTH } from '../contract/model-files';
import { RUN_FORMATS } from '../contract/run-bundle';
import { rangeText, type Setting } from '../contract/settings';

/** The value of an option that counts something. @throws an error that says what was expected */
export function whole(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new Error(`--${option} ${JSON.stringify(text)}; a whole number is expected`);
  return Number(text);
}

/** The value of an option that may have decimals. @throws an error that says what was expected */
export function decimal(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value))
    throw new Error(`--${option} ${JSON.stringify(text)}; a number is expected`);
  return value;
}

/** `100-109,115`: whole numbers and ranges of them, both ends included. @throws an error that says what was expected */
export function wholes(option: string, text: string): number[] {
  const values = text.split(',').flatMap((part) => {
    const [from, to = from, ...rest] = part.split('-').map((end) => whole(option, end)) as [number, number?];
    if (rest.length > 0 || to < from || to - from >= MAX_RANGE)
      throw new Error(
        `--${option} ${JSON.stringify(part)}; a range such as 100-109 of at most ${MAX_RANGE} numbers is expected`,
      );
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
  const twice = values.find((value, i) => values.indexOf(value) !== i);
  if (twice !== undefined) throw new Error(`--${option} names ${twice} twice`);
  return values;
}

const MAX_RANGE = 1000;

/** `37/100 [28.2, 46.8] %` */
export const accuracyText = ({ correct, total, low, high }: Accuracy): string =>
  `${correct}/${total} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}] %`;

/** An option, for `parseArgs` and for the help. */
interface OptionText {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  readonly default?: string | boolean | string[];
  /** Placeholder for its value in the help. */
  readonly value?: string;
  readonly about: string;
  /** The commands that have it; every one, if absent. */
  readonly commands?: readonly string[];
}

const LENS = ['lens'];
const CAUSAL = ['causal'];
const THOUGHTS = ['thoughts'];
const BOTH = ['lens', 'causal'];
const GENERATE = ['generate'];
const STATES = ['states'];
const EXPORT = ['export'];
const EVAL = ['eval'];
/** Commands that have any subject answer problems. */
const ANSWERING = [...EVAL, 'stopping', 'thoughts'];
/** Commands that take samples. */
const READING = [...LENS, ...STATES];
const SUBJECTS = [...BOTH, ...GENERATE, ...STATES, ...EXPORT, ...ANSWERING];
/** Commands that train a student. */
const TRAINING = ['distil', 'step', 'bench', ...EXPORT];
const both = (a: readonly string[], b: readonly string[]): string[] => [...new Set([...a, ...b])];

/** A setting of generation as an option: its help, range and default are those of the page. */
const generation = (key: keyof GenerateSettings) => {
  const found = GENERATE_SETTINGS.find(({ path }) => path === key) as Setting;
  return {
    type: 'string',
    default: String(found.default),
    value: found.unit ?? 'n',
    about: `${found.help} Range: ${rangeText(found)}.`,
    commands: GENERATE,
  } as const;
};

/** All options. `parseArgs` reads their `type`, `multiple` and `default`. */
export const OPTIONS = {
  help: { type: 'boolean', default: false, about: 'Say what there is, and do nothing else.' },
  config: {
    type: 'string',
    value: 'run.json',
    about:
      'A run file downloaded from the page, or a bare configuration. Without it the first preset is used.',
  },
  preset: {
    type: 'string',
    multiple: true,
    default: [] as string[],
    value: 'id',
    about: 'The preset to start from; eval takes several. Not with --config.',
  },
  set: {
    type: 'string',
    multiple: true,
    default: [] as string[],
    value: 'path=value',
    about: 'Changes one setting, such as optimiser.steps=20; may be given several times.',
  },
  models: {
    type: 'string',
    default: 'models',
    value: 'folder',
    about: 'The folder of the pair’s manifest.json.',
  },
  threads: {
    type: 'string',
    value: 'n',
    about:
      'WASM threads; by default 2 where there are that many cores. Results repeat to the bit only with the same number.',
  },
  out: {
    type: 'string',
    value: 'file.json',
    about:
      'Where the result goes; by default to the standard output. For states, the .npy or .safetensors file that is written.',
  },
  quiet: { type: 'boolean', default: false, about: 'No progress on the standard error output.' },
  presets: {
    type: 'string',
    value: 'id,id',
    about: 'The presets to compare; by default all of them.',
    commands: ['eval'],
  },
  seeds: {
    type: 'string',
    value: '100-109,115',
    about: 'The seeds to train with; by default the configuration’s, and of an ablation 1-5.',
    commands: ['eval', 'arena'],
  },
  baseline: {
    type: 'string',
    value: 'id',
    about: 'What the others are compared with; by default the method without distillation.',
    commands: ['eval'],
  },
  resume: {
    type: 'boolean',
    default: false,
    value: 'folder',
    about:
      'Continue: for distil, the run that --keep left in this folder, or a run bundle (.zip), to the bits of a run that was never interrupted; for eval and search, without a folder, from the file of --out, to which every finished run is saved.',
    commands: ['eval', 'search', 'distil'],
  },
  keep: {
    type: 'string',
    value: 'folder',
    about:
      'Where the run is kept while it trains (keeping.every says how often): parameters, moments, step, curves and configuration, as one safetensors file, and in the end its result.',
    commands: ['distil'],
  },
  kept: {
    type: 'string',
    value: 'run',
    about:
      'A kept run, the folder that --keep wrote or a run bundle (.zip): its student is the one that “student” means, and nothing is trained. If its model was opened, give it again (--open; for export and step: --model).',
    commands: both(SUBJECTS, ['step']),
  },
  question: {
    type: 'string',
    value: 'text',
    about: 'The question to answer; by default the first held-out problem.',
    commands: ['step'],
  },
  intervene: {
    type: 'string',
    multiple: true,
    default: [] as string[],
    value: 'z2:zero',
    about:
      'Interventions on the thoughts (z1, z2, …), the question’s tokens (q1, …) and those of the answer’s prompt (p1, …), as in z2:zero;q5@residual.2:add(token("12"),0.5), a branch each time it is given; its answer is compared with the unmodified one. Operations: zero, noise(seed), scale(a), replace(v), interpolate(v,share), add(v,a), remove(v), project(r,problems,"centred","inside"); vectors: token("a"), difference("a","b"), thought(2) or thought(2,"held-out-3"), question(5), prompt(1), mean(problems), direction(problems,index), values(…).',
    commands: ['step'],
  },
  untrained: {
    type: 'boolean',
    default: false,
    about: 'Step through the untrained base; nothing is trained.',
    commands: ['step'],
  },
  samples: {
    type: 'string',
    default: '16',
    value: 'n',
    about: 'Training problems whose hidden states are decomposed, or written.',
    commands: [...BOTH, ...STATES],
  },
  subject: {
    type: 'string',
    multiple: true,
    default: [] as string[],
    value: 'who',
    about:
      'Whose hidden states: teacher, base, student, student@step or opened, and after a colon the sections, such as teacher:rationale,answer. A student is trained first. By default the teacher.',
    commands: SUBJECTS,
  },
  open: {
    type: 'string',
    value: 'folder',
    about:
      'The checkpoint that “opened” means; generate and states take it as the subject unless told otherwise.',
    commands: SUBJECTS,
  },
  adapter: {
    type: 'string',
    value: 'folder',
    about:
      'A PEFT adapter (adapter_config.json, adapter_model.safetensors) to merge into the opened checkpoint; without --open (for distil, step and bench: --model), into the bundled model that it names as its base.',
    commands: both(SUBJECTS, TRAINING),
  },
  storage: {
    type: 'string',
    value: 'f32|half|int8|int4',
    about:
      'How the opened checkpoint’s matrices are kept: as float32, in 16 bits, or in 8 or 4 bits by blocks of 32: less memory, and slower. By default the first of them with which a text can be read.',
    commands: both(SUBJECTS, TRAINING),
  },
  model: {
    type: 'string',
    value: 'folder',
    about:
      'The checkpoint that is the student; unless roles.teacher is set, its teacher is itself, and unless it is left out, what is given by --data is what it is trained on.',
    commands: TRAINING,
  },
  teacher: {
    type: 'string',
    value: 'folder|run.json',
    about:
      'The teacher: the folder of a checkpoint with the student’s tokenizer, the folder or bundle of a run that was kept, or a run file whose student is trained first, on the same model and data.',
    commands: TRAINING,
  },
  layers: {
    type: 'string',
    value: '1,2',
    about:
      'Which layers; by default all of them. Of states also 0, what the first layer is fed, which has to be asked for.',
    commands: [...BOTH, ...STATES],
  },
  span: {
    type: 'string',
    value: '3-10',
    about:
      'Which tokens of each sequence’s sections, counted from 1; 3- for all from the third on. By default all of them.',
    commands: READING,
  },
  centre: { type: 'boolean', default: false, about: 'Subtract the mean state first.', commands: BOTH },
  text: {
    type: 'string',
    multiple: true,
    default: [] as string[],
    value: 'text',
    about: 'A text to read instead of problems; may be given several times.',
    commands: READING,
  },
  ids: { type: 'string', value: 'train-1,held-out-2', about: 'Problems by name.', commands: READING },
  data: {
    type: 'string',
    multiple: true,
    default: [] as string[],
    value: 'file',
    about:
      'A data set to draw the samples from instead of the bundled problems: GSM8K, GSM8K-Aug, SVAMP, GSM-Hard, MultiArith, ProsQA, CommonsenseQA, or JSON, JSON lines, CSV or TSV with columns question and answer; detected by content. Several files are read one after another. With --open and without --subject it is the opened checkpoint that reads them. For distil, step and bench it is what the student is trained on; for eval, what is answered.',
    commands: [...READING, ...TRAINING, ...ANSWERING],
  },
  'read-as': {
    type: 'string',
    value: DATA_FORMATS.join('|'),
    about: 'The form that --data is read in, instead of the one detected.',
    commands: [...READING, ...TRAINING, ...ANSWERING],
  },
  columns: {
    type: 'string',
    value: 'question=a,answer=b,rationale=c',
    about: 'Which columns of --data hold the question, the answer and, if there is one, the rationale.',
    commands: [...READING, ...TRAINING, ...ANSWERING],
  },
  'left-out': {
    type: 'string',
    value: 'file.csv',
    about:
      'Also writes every row of --data that is left out, malformed or a duplicate: file, line, reason. What is said on the way names the first ten.',
    commands: [...READING, ...TRAINING, ...ANSWERING],
  },
  'max-tokens': {
    type: 'string',
    value: 'n',
    about:
      'Only rows of --data of at most n tokens, question, rationale and answer together, under the first subject’s tokenizer.',
    commands: READING,
  },
  stack: {
    type: 'string',
    default: 'sample',
    value: STACKS.join('|'),
    about: 'What forms one matrix.',
    commands: LENS,
  },
  controls: { type: 'string', value: CONTROLS.join(','), about: 'What to compare with.', commands: LENS },
  tucker: { type: 'boolean', default: false, about: 'Also the Tucker decomposition.', commands: LENS },
  trajectories: {
    type: 'string',
    value: 'tucker|pca',
    about: 'Also the trajectories, in three dimensions of that kind.',
    commands: LENS,
  },
  angles: {
    type: 'string',
    default: '0',
    value: 'r',
    about: 'Also the principal angles between the leading r directions of two subjects; 0 for none.',
    commands: LENS,
  },
  ranks: {
    type: 'string',
    value: '1,2,4',
    about:
      'Numbers of directions. By default powers of two up to the hidden size; thoughts projects its thoughts onto none.',
    commands: [...CAUSAL, ...THOUGHTS],
  },
  problems: {
    type: 'string',
    default: '100',
    value: 'n',
    about: 'Held-out problems to answer.',
    commands: [...CAUSAL, ...ANSWERING],
  },
  positions: {
    type: 'string',
    default: 'generated',
    value: 'generated|all',
    about: 'At which positions states are projected.',
    commands: CAUSAL,
  },
  format: {
    type: 'string',
    default: 'peft',
    value: [...MODEL_FORMATS, ...RUN_FORMATS].join('|'),
    about:
      'peft: a zip with the adapter as PEFT stores it. merged: a zip with the whole model, adapters merged. onnx: a graph, ids to logits. bundle: a run with its student, as the page opens it again. torch: a program that trains the run on in PyTorch.',
    commands: EXPORT,
  },
  dtype: {
    type: 'string',
    default: 'f32',
    value: EXPORT_DTYPES.join('|'),
    about: 'Number type of a merged model’s weights.',
    commands: EXPORT,
  },
  length: {
    type: 'string',
    value: 'n',
    about: `Positions of the ONNX graph, which has one length [${ONNX_LENGTH.default}].`,
    commands: EXPORT,
  },
  space: {
    type: 'string',
    value: 'space.json',
    about:
      'What search draws from: seeds, trials of each method, how many of them train on every seed, settings of all runs, and for each method a preset and lists of values by path.',
    commands: ['search'],
  },
  modes: {
    type: 'string',
    value: EVALUATION_MODES.join(','),
    about:
      'How problems are answered, one by one: after thoughts (implicit), after a written rationale (explicit), at once (no-CoT). By default all that the subject can, unless --latents is given. With this, --latents, --csv, --kept, --subject, --open or --data, eval looks at single problems; answers that are in the file of --out already (--resume) are compared with.',
    commands: EVAL,
  },
  latents: {
    type: 'string',
    value: '0-8',
    about: 'Numbers of thoughts to answer with instead of the subject’s own: a sweep.',
    commands: EVAL,
  },
  together: {
    type: 'string',
    default: '1',
    value: 'n',
    about: `Problems answered at once, up to ${MAX_TOGETHER}: faster, but latencies are measured only for single problems.`,
    commands: EVAL,
  },
  rule: {
    type: 'string',
    default: 'set',
    value: RULE_IDS.join('|'),
    about: 'How the answer is found and compared; by default as the data set’s own evaluation does.',
    commands: EVAL,
  },
  csv: {
    type: 'string',
    value: 'file.csv',
    about:
      'Also writes every answer to every problem as a row. Texts are as they are: a spreadsheet would compute those that begin with =, + or @.',
    commands: EVAL,
  },
  plan: {
    type: 'string',
    value: 'arena.json',
    about: 'The arena to run, as the page writes it; runs that it has already are not repeated.',
    commands: ['arena'],
  },
  ablation: {
    type: 'string',
    value: 'id',
    about:
      'An ablation of a paper in place of a plan; --seeds and --set change it. --help lists them with their contenders.',
    commands: ['arena'],
  },
  html: {
    type: 'string',
    value: 'file.html',
    about: 'Also writes the report as a standalone page.',
    commands: THOUGHTS,
  },
  prompt: {
    type: 'string',
    value: 'text',
    about: 'The text to continue; by default the first held-out problem’s question.',
    commands: GENERATE,
  },
  template: {
    type: 'string',
    value: 'name',
    about:
      'A chat template of the model, such as default: the prompt is then a user’s message. Without it the prompt is plain text.',
    commands: GENERATE,
  },
  temperature: generation('temperature'),
  'top-k': generation('topK'),
  'top-p': generation('topP'),
  seed: generation('seed'),
  continuations: generation('samples'),
  limit: generation('limit'),
  stop: {
    type: 'string',
    multiple: true,
    default: [] as string[],
    value: 'text',
    about: 'Generation ends before this text; may be given several times.',
    commands: GENERATE,
  },
  random: {
    type: 'boolean',
    default: false,
    about: 'Also random directions, of equal rank and of equal energy.',
    commands: CAUSAL,
  },
} as const satisfies Readonly<Record<string, OptionText>>;

export const optionTexts: Readonly<Record<string, OptionText>> = OPTIONS;

/** Whether the command has the option. */
export const hasOption = (command: string, option: string): boolean =>
  optionTexts[option]?.commands?.includes(command) ?? Object.hasOwn(OPTIONS, option);

/** Which data set, and how it is read. */
export interface DataArguments {
  readonly data: readonly string[];
  readonly 'read-as'?: string | undefined;
  readonly 'left-out'?: string | undefined;
  readonly columns?: string | undefined;
}

/** What to open. */
export interface OpenArguments {
  /** A checkpoint's folder, or an ONNX export. */
  readonly open?: string | undefined;
  /** An adapter's folder. */
  readonly adapter?: string | undefined;
  /** Storage of the weights, one of `WEIGHT_STORAGES`; by default what fits. */
  readonly storage?: string | undefined;
}

/** The options that choose a command's subject. */
export interface SubjectArguments extends OpenArguments {
  readonly subject: readonly string[];
  readonly kept?: string | undefined;
}

/** The given options of `generate`. */
export interface GenerateArguments extends SubjectArguments {
  readonly prompt?: string | undefined;
  readonly template?: string | undefined;
  readonly temperature: string;
  readonly 'top-k': string;
  readonly 'top-p': string;
  readonly seed: string;
  readonly continuations: string;
  readonly limit: string;
  readonly stop: readonly string[];
}

/** The given options of `export`. */
export interface ExportArguments {
  readonly format: string;
  readonly dtype: string;
  readonly length?: string | undefined;
}

/** The given options of `lens` and `causal`. */
export interface LensArguments extends SubjectArguments, DataArguments {
  readonly text: readonly string[];
  readonly ids?: string | undefined;
  readonly 'max-tokens'?: string | undefined;
  readonly layers?: string | undefined;
  readonly span?: string | undefined;
  readonly stack: string;
  readonly centre: boolean;
  readonly controls?: string | undefined;
  readonly tucker: boolean;
  readonly trajectories?: string | undefined;
  readonly angles: string;
  readonly ranks?: string | undefined;
  readonly problems: string;
  readonly positions: string;
  readonly random: boolean;
}

/** The given options that say who learns from what. */
export interface TrainingArguments extends Pick<OpenArguments, 'adapter' | 'storage'>, DataArguments {
  readonly model?: string | undefined;
  readonly teacher?: string | undefined;
  readonly set: readonly string[];
}

/** The given options of `eval` for single problems. */
export interface EvaluationArguments extends SubjectArguments, DataArguments {
  readonly modes?: string | undefined;
  readonly latents?: string | undefined;
  readonly problems: string;
  readonly together: string;
  readonly rule: string;
  readonly csv?: string | undefined;
}

/** The given options of `step`. */
export interface StepArguments {
  readonly intervene: readonly string[];
  readonly untrained: boolean;
}
