/**
 * Synthetic word problems in GSM8K-Aug form: a question, one `<<a+b=c>>` per step, the final number. Every step starts from
 * the previous result, so that the answer takes the whole chain. The vocabulary is tiny and every number lies in 0…99, for
 * models of a million parameters. Training, page and tests all draw from here.
 *
 * Left out: branches, units, fractions, distractors.
 */
import { InputError } from '../base/errors';
import { Rng } from '../base/rng';

export interface WordProblem {
  readonly question: string;
  /** One `<<a+b=c>>` per step, in order. */
  readonly steps: readonly string[];
  /** The last step's result, a whole number in 0…99. */
  readonly answer: string;
}

/** `train` and `held-out` share no chain of steps: which split a chain belongs to is determined by its numbers. */
export type ChainSplit = 'train' | 'held-out';

export interface WordProblemOptions {
  /** Smallest number of steps, 1…6. Default 1. */
  readonly minSteps?: number;
  /** Largest number of steps, 1…6. Default 4. */
  readonly maxSteps?: number;
  /** Which split to draw from. Default `train`. */
  readonly split?: ChainSplit;
}

const PEOPLE = [
  ['Tom', 'He'],
  ['Ann', 'She'],
  ['Ben', 'He'],
  ['Eva', 'She'],
  ['Sam', 'He'],
  ['Mia', 'She'],
  ['Leo', 'He'],
  ['Zoe', 'She'],
] as const;
const THINGS = ['apples', 'books', 'coins', 'cards', 'pens', 'eggs', 'nuts', 'shells'] as const;

/** {n} name, {p} pronoun, {m} another name, {t} thing, {b} the step's second number. */
const START = ['{n} has {b} {t}.', '{n} owns {b} {t}.', '{n} starts with {b} {t}.'];
const ASK = ['How many {t} does {n} have?', 'How many {t} are left?'];
const TOLD: Readonly<Record<string, readonly string[]>> = {
  '+': ['{p} buys {b} more.', '{p} finds {b} more.', '{m} brings {b} more.'],
  '-': ['{p} gives {b} to {m}.', '{p} sells {b} of them.', '{p} loses {b} of them.'],
  '*2': ['Then the number doubles.', '{p} doubles them.'],
  '*3': ['Then the number triples.', '{p} triples them.'],
  '/2': ['{p} keeps half of them.', '{p} loses half of them.'],
};

/** What a visitor can write a problem of: words by kind. */
export const chainKnows = (): { kind: string; words: string[] }[] => [
  { kind: 'names', words: PEOPLE.map(([name]) => name) },
  { kind: 'things', words: [...THINGS] },
  { kind: 'numbers', words: [`0 to ${LARGEST}, in digits`] },
  { kind: 'sentences', words: [...START, ...Object.values(TOLD).flat(), ...ASK].map(readable) },
];

/** `{n} has {b} {t}.` → `NAME has 5 THINGS.`, without what braces stand for. */
const readable = (pattern: string): string =>
  pattern
    .replace(/\{n\}|\{m\}/g, 'Tom')
    .replace('{p}', 'He')
    .replace('{t}', 'apples')
    .replace('{b}', '5');

const LARGEST = 99;
const LARGEST_START = 50;
const LARGEST_OPERAND = 15;
/** One chain of steps in this many is held out. */
const HELD_OUT_ONE_IN = 16;

interface Operation {
  readonly sign: '+' | '-' | '*' | '/';
  readonly operand: number;
  readonly result: number;
}

function drawOperation(rng: Rng, value: number): Operation {
  for (;;) {
    const sign = rng.pick(['+', '+', '-', '-', '*', '/'] as const);
    const operand = sign === '/' ? 2 : sign === '*' ? rng.integer(2, 3) : rng.integer(1, LARGEST_OPERAND);
    if (sign === '/' && (value % 2 !== 0 || value < 2)) continue;
    const result =
      sign === '+'
        ? value + operand
        : sign === '-'
          ? value - operand
          : sign === '*'
            ? value * operand
            : value / 2;
    if (result >= 1 && result <= LARGEST) return { sign, operand, result };
  }
}

/** The split that a chain of steps belongs to: FNV-1a of its text. */
export function splitOf(steps: readonly string[]): ChainSplit {
  let h = 0x811c9dc5;
  for (const c of steps.join('')) h = Math.imul(h ^ c.charCodeAt(0), 0x01000193) >>> 0;
  // FNV's low bits alone mix poorly over digits
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97) >>> 0;
  return (h >>> 8) % HELD_OUT_ONE_IN === 0 ? 'held-out' : 'train';
}

/**
 * One problem.
 * @throws InputError for step counts outside 1…6 or in the wrong order
 */
export function wordProblem(rng: Rng, options: WordProblemOptions = {}): WordProblem {
  const { minSteps = 1, maxSteps = 4, split = 'train' } = options;
  const sound = (n: number) => Number.isInteger(n) && n >= 1 && n <= 6;
  if (!sound(minSteps) || !sound(maxSteps) || minSteps > maxSteps) {
    throw new InputError(
      `word problems of ${minSteps} to ${maxSteps} steps: expected 1 ≤ minSteps ≤ maxSteps ≤ 6`,
      'Correct minSteps and maxSteps of the data set.',
    );
  }
  for (;;) {
    const [name, pronoun] = rng.pick(PEOPLE);
    const [other] = rng.pick(PEOPLE.filter(([n]) => n !== name));
    const thing = rng.pick(THINGS);
    const say = (patterns: readonly string[], number: number) =>
      rng
        .pick(patterns)
        .replace('{n}', name)
        .replace('{p}', pronoun)
        .replace('{m}', other)
        .replace('{t}', thing)
        .replace('{b}', String(number));
    let value = rng.integer(2, LARGEST_START);
    const sentences = [say(START, value)];
    const steps: string[] = [];
    for (let i = rng.integer(minSteps, maxSteps); i > 0; i--) {
      const { sign, operand, result } = drawOperation(rng, value);
      sentences.push(say(TOLD[sign] ?? TOLD[`${sign}${operand}`] ?? [], operand));
      steps.push(`<<${value}${sign}${operand}=${result}>>`);
      value = result;
    }
    sentences.push(say(ASK, value));
    if (splitOf(steps) === split) return { question: sentences.join(' '), steps, answer: String(value) };
  }
}

/** `count` problems as `draw` gives them, no question twice. @throws InputError if they run out */
export function distinct(count: number, draw: () => WordProblem): WordProblem[] {
  const seen = new Set<string>();
  const out: WordProblem[] = [];
  for (let misses = 0; out.length < count; ) {
    const problem = draw();
    if (seen.has(problem.question)) {
      if (++misses > 1000 + 10 * count)
        throw new InputError(
          `only ${out.length} of ${count} word problems found`,
          'Ask for fewer problems, or for more steps.',
        );
      continue;
    }
    seen.add(problem.question);
    out.push(problem);
  }
  return out;
}

/**
 * `count` problems, no question twice. Problems of the two splits never share a chain of steps, whatever the seeds.
 * @throws InputError if fewer than `count` questions can be found under the options
 */
export function wordProblems(seed: number, count: number, options: WordProblemOptions = {}): WordProblem[] {
  const rng = new Rng(seed).fork(`word problems ${options.split ?? 'train'}`);
  return distinct(count, () => wordProblem(rng, options));
}
