import { InputError } from '../../base/errors';
import type { TokenLayout } from '../../base/tokens';
import { layoutOf } from '../../data/batch';
import type { Reasoning } from '../../decode/reasoning';
import type { AnsweringModels, LoadedModel, Pair } from '../models/pair';
import { type Example, POOL, type ProblemSet } from '../models/problems';
import type { TeacherAdapter } from '../models/roles';
import { capacityFor, type Student, type StudentSpec } from '../runs/student';

/** Held-out problems that determine how long a typed question may be: as long as the longest, plus some slack. */
const MEASURED = 512;
const QUESTION_ROOM = 8;
/** For a student whose training is unknown: room for a GSM8K problem. */
const UNKNOWN_LENGTHS: TokenLayout = { batch: 1, question: 256, prompt: 0, answer: 16, explicit: 256 };
/**
 * Lengths of typical benchmark questions (GSM8K's longest have some 200 tokens), and of what is written after
 * the thoughts.
 */
const FIELD = { question: 200, answer: 16, explicit: 48 } as const;

/** The bundled pair and its problems, if they are loaded. */
export interface Bundled {
  readonly pair?: Pair | undefined;
  readonly problems?: ProblemSet | undefined;
}

/** The models that answer, and the maximum lengths of what they read and write. */
export interface Asked {
  readonly models: AnsweringModels;
  /** What the teacher runs with. */
  readonly adapter?: TeacherAdapter | undefined;
  /** For a student that was not trained on the pair's problems. */
  readonly examples?: Student['examples'];
  readonly layout: TokenLayout;
  /** Unique to the models. */
  readonly key: string;
}

/** A student opened with its model, whose files say how it reasons. */
export interface OpenedStudent {
  readonly student: StudentSpec & Pick<Student, 'label' | 'packs'>;
  readonly on: Pick<Pair, 'base' | 'tokenizer' | 'codec'>;
}

/** Equal if and only if the weights and their storage are. */
const nameOf = ({ report, config }: LoadedModel): string => `${report.sha256} ${config.storage ?? 'f32'}`;

/** For an opened student, limited by its model's positions. */
export function askedOf({ on }: OpenedStudent, reasoning: Reasoning): Asked {
  const { maxPositions = Number.POSITIVE_INFINITY } = on.base.config;
  const layout = {
    ...FIELD,
    batch: 1,
    prompt: on.codec.prompt.length,
    explicit: Math.min(FIELD.explicit, Math.floor(maxPositions / 4)),
  };
  const rest = capacityFor({ ...layout, question: 0 }, reasoning);
  const question = Math.max(1, Math.min(FIELD.question, maxPositions - rest));
  return {
    models: { ...on, teacher: on.base },
    layout: { ...layout, question },
    key: nameOf(on.base),
  };
}

/**
 * For a trained student, or without one for the bundled pair.
 * @param lengthsOf lengths of the pair's problems, in a layout of one question @throws InputError if its
 * models are not loaded
 */
export function askedBy(
  student: Student | undefined,
  { pair, problems }: Bundled,
  lengthsOf: (pair: Pair, problems: ProblemSet) => TokenLayout,
): Asked {
  const { roles, lengths, examples } = student ?? {};
  if (!roles || (roles.student === pair?.base && roles.codec === pair.codec)) {
    if (!pair || !problems) throw new InputError('no models are loaded', 'Load the bundled pair first.');
    return { models: pair, layout: lengthsOf(pair, problems), key: 'the pair' };
  }
  const { student: base, teacher, tokenizer, codec } = roles;
  return {
    models: { base, teacher: teacher.model, tokenizer, codec },
    adapter: teacher.adapter,
    examples,
    layout: lengths
      ? { ...lengths, batch: 1, question: lengths.question + QUESTION_ROOM }
      : { ...UNKNOWN_LENGTHS, prompt: codec.prompt.length },
    key: [nameOf(base), nameOf(teacher.model), teacher.adapter?.sha256, JSON.stringify(lengths)].join(' '),
  };
}

/** The lengths of the pair's problems, with room for a slightly longer question. */
export function lengthsOfProblems({ codec }: Pair, problems: ProblemSet): TokenLayout {
  const tokens = problems.take('held-out', 0, MEASURED).map((e) => e.tokens);
  const layout = layoutOf(tokens, codec, 1);
  return { ...layout, question: layout.question + QUESTION_ROOM };
}

/** The first training problems whose questions fit into the decoders. @throws InputError if there are fewer */
export function trainingQuestions(
  { layout, examples }: Asked,
  problems: ProblemSet | undefined,
  count: number,
): string[] {
  const { question: most } = layout;
  const found = (examples?.training ?? problems?.take('train', 0, POOL) ?? [])
    .filter(({ tokens }) => tokens.question.length <= most)
    .slice(0, count)
    .map(({ problem }) => problem.question);
  if (found.length < count)
    throw new InputError(
      `${count} training problems; ${found.length} have questions of at most ${most} tokens`,
      `Choose at most ${found.length}.`,
    );
  return found;
}

/** The problem with that id, among those that the student was trained and tested on. */
export function problemBy(
  { examples }: Asked,
  problems: ProblemSet | undefined,
  id: string,
): Example | undefined {
  if (!examples) return problems?.byId(id);
  return [...examples.training, ...examples.heldOut].find((example) => example.id === id);
}
