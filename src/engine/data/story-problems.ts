/**
 * Synthetic word problems in GSM8K-Aug form: several ways to say a thing, numbers that do not matter, steps that take
 * the results of one or two earlier ones. Numbers are whole, 0…999, and written in digits. For models of a million
 * parameters, which learn its words and nothing else. Training, page and tests all draw from here.
 *
 * Left out: units, fractions, percentages, more than one unknown.
 */
import { InputError } from '../base/errors';
import { Rng } from '../base/rng';
import {
  ASKS,
  CONTAINERS,
  LARGEST_NUMBER,
  PASSING,
  PEOPLE,
  STARTS,
  TELLINGS,
  type Telling,
  THINGS,
} from './story-words';
import { type ChainSplit, distinct, type WordProblem, type WordProblemOptions } from './word-problems';

/** Most steps of a problem. */
const MAX_STEPS = 6;
/** One set of numbers in this many is held out. */
const HELD_OUT_ONE_IN = 16;
/** Share of problems that tell a number which does not matter. */
const PASSING_SHARE = 0.35;

type Sign = '+' | '-' | '*' | '/';

const OPERATIONS: Readonly<Record<Sign, (x: number, y: number) => number>> = {
  '+': (x, y) => x + y,
  '-': (x, y) => x - y,
  '*': (x, y) => x * y,
  '/': (x, y) => x / y,
};

/** A problem as it grows. */
interface Story {
  readonly value: number;
  readonly steps: readonly string[];
  readonly sentences: readonly string[];
}

/** The story with one more sentence, or undefined where its numbers come out as no whole number of 1…999. */
function tell(rng: Rng, story: Story, telling: Telling): Story | undefined {
  const numbers: Record<string, number> = { v: story.value };
  for (const name of ['a', 'b'] as const) {
    const range = telling[name];
    if (!range) continue;
    numbers[name] = rng.integer(...range);
  }
  // A start tells the first value.
  let value = telling.steps.length === 0 ? (numbers.a ?? story.value) : story.value;
  const steps: string[] = [];
  for (const step of telling.steps) {
    const [x, y, sign] = [...step] as [string, string, Sign];
    const valueOf = (name: string) => (name === 'r' ? value : (numbers[name] ?? Number(name)));
    const [left, right] = [valueOf(x), valueOf(y)];
    value = OPERATIONS[sign](left, right);
    if (!Number.isInteger(value) || value < 1 || value > LARGEST_NUMBER) return undefined;
    steps.push(`<<${left}${sign}${right}=${value}>>`);
  }
  const say = telling.say.replace('{a}', String(numbers.a)).replace('{b}', String(numbers.b));
  return {
    value,
    steps: [...story.steps, ...steps],
    sentences: [...story.sentences, say],
  };
}

/**
 * The split of a problem: by the numbers that its steps take and do not make, in any order, so that neither a chain of steps
 * nor a question nor a set of numbers is in both.
 */
export function splitOfSteps(steps: readonly string[]): ChainSplit {
  const made = new Set<string>();
  const taken: string[] = [];
  for (const step of steps) {
    const [x = '', y = '', result = ''] = step.match(/\d+/g) ?? [];
    taken.push(...[x, y].filter((number) => !made.has(number)));
    made.add(result);
  }
  let h = 0x811c9dc5;
  for (const c of taken.sort().join(' ')) h = Math.imul(h ^ c.charCodeAt(0), 0x01000193) >>> 0;
  // FNV's low bits alone mix poorly over digits
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97) >>> 0;
  return (h >>> 8) % HELD_OUT_ONE_IN === 0 ? 'held-out' : 'train';
}

/** A start, sentences and a question that make `steps` steps together; undefined where the numbers do not come out. */
function draw(rng: Rng, steps: number): Story | undefined {
  const costing = (all: readonly Telling[], most: number) =>
    all.filter((telling) => telling.steps.length <= most);
  let story: Story | undefined = { value: 0, steps: [], sentences: [] };
  story = tell(rng, story, rng.pick(costing(STARTS, steps)));
  // One question in three makes a step of its own.
  const counts = rng.uniform() < 1 / 3;
  const ask = rng.pick(ASKS.filter((each) => each.steps.length > 0 === counts));
  const cost = ask.steps.length;
  while (story && story.steps.length + cost < steps)
    story = tell(rng, story, rng.pick(costing(TELLINGS, steps - cost - story.steps.length)));
  return story && story.steps.length + cost === steps ? tell(rng, story, ask) : undefined;
}

/**
 * One problem.
 * @throws InputError for step counts outside 1…6 or in the wrong order
 */
export function storyProblem(rng: Rng, options: WordProblemOptions = {}): WordProblem {
  const { minSteps = 1, maxSteps = 5, split = 'train' } = options;
  const sound = (n: number) => Number.isInteger(n) && n >= 1 && n <= MAX_STEPS;
  if (!sound(minSteps) || !sound(maxSteps) || minSteps > maxSteps)
    throw new InputError(
      `word problems of ${minSteps} to ${maxSteps} steps: expected 1 ≤ minSteps ≤ maxSteps ≤ ${MAX_STEPS}`,
      'Correct minSteps and maxSteps of the data set.',
    );
  const wanted = rng.integer(minSteps, maxSteps);
  for (;;) {
    const story = draw(rng, wanted);
    if (!story || splitOfSteps(story.steps) !== split) continue;
    const { steps, value } = story;
    return { question: worded(rng, story.sentences), steps, answer: String(value) };
  }
}

/** The sentences with names and things, and perhaps one whose number does not matter: before all, or before the question. */
function worded(rng: Rng, sentences: readonly string[]): string {
  const [n, p] = rng.pick(PEOPLE) as readonly [string, string];
  // Others have the other pronoun, so that one always means the person in question.
  const [m, o] = rng.shuffle(PEOPLE.filter(([, pronoun]) => pronoun !== p).map(([name]) => name)) as [
    string,
    string,
  ];
  const [t, u] = rng.shuffle([...THINGS]) as [string, string];
  const all = [...sentences];
  if (rng.uniform() < PASSING_SHARE) {
    const passing = rng.pick(PASSING).replace('{a}', String(rng.integer(2, 60)));
    all.splice(rng.pick([0, all.length - 1]), 0, passing);
  }
  const words: Record<string, string> = { n, p, P: p.toLowerCase(), m, o, t, u };
  return all
    .map((sentence) =>
      sentence.replace(/\{(\w)\}/g, (_, key: string) =>
        key === 'c' ? rng.pick(CONTAINERS) : (words[key] ?? ''),
      ),
    )
    .join(' ');
}

/**
 * `count` problems, no question twice. Problems of the two splits never share a chain of steps, the numbers that matter, or
 * a question, whatever the seeds.
 * @throws InputError if fewer than `count` questions can be found under the options
 */
export function storyProblems(seed: number, count: number, options: WordProblemOptions = {}): WordProblem[] {
  const rng = new Rng(seed).fork(`story problems ${options.split ?? 'train'}`);
  return distinct(count, () => storyProblem(rng, options));
}
