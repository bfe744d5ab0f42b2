import type { Split } from '../../../contract/calls';
import type { Problem } from '../../../contract/events';
import { InputError } from '../../base/errors';
import { Rng } from '../../base/rng';
import type { ProblemCodec, ProblemText, TokenProblem } from '../../data/tokens';
import type { WordProblem } from '../../data/word-problems';
import type { ManifestData } from './manifest';
import { SOURCES } from './sources';

/** Maximum number of validation problems, and of held-out ones. */
const MAX_PROBLEMS = 8192;

/** A problem and its tokens. */
export interface Example {
  readonly id: string;
  readonly problem: ProblemText;
  readonly tokens: TokenProblem;
}

/** Number of training problems to draw from; validation follows in the same stream, so that no question is in both. */
export const POOL = 4096;

/**
 * The data of a pair: one pool of training problems, validation problems, and held-out ones that share no chain of steps.
 * Throws InputError at once for impossible numbers of steps.
 */
export class ProblemSet {
  private readonly made = new Map<Split, WordProblem[]>();

  constructor(
    private readonly data: ManifestData,
    private readonly codec: ProblemCodec,
  ) {
    const { problems, minSteps, maxSteps, seed } = data;
    SOURCES[problems].draw(seed, 1, { minSteps, maxSteps });
  }

  /** `count` problems of a split from index `from`. @throws InputError outside the set */
  take(split: Split, from: number, count: number): Example[] {
    const whole = [from, count].every((n) => Number.isInteger(n) && n >= 0);
    // Training problems beyond the pool are validation problems.
    const size = split === 'train' ? POOL : MAX_PROBLEMS;
    if (!whole || from + count > size)
      throw new InputError(
        `problems ${from} to ${from + count} of ${split}: there are ${size}`,
        'Choose fewer problems.',
      );
    return this.problems(split, from + count)
      .slice(from, from + count)
      .map((problem, i) => ({ id: `${split}-${from + i}`, problem, tokens: this.codec.encode(problem) }));
  }

  /**
   * The problem with an id such as `held-out-3`, or undefined for any other text. @throws InputError outside
   * the set
   */
  byId(id: string): Example | undefined {
    const [, split, index] = /^(train|validation|held-out)-(\d{1,6})$/.exec(id) ?? [];
    return split === undefined ? undefined : this.take(split as Split, Number(index), 1)[0];
  }

  /** `count` training samples drawn from the pool by `seed`, as the paper draws 128 from GSM8K-Aug. */
  sample(seed: number, count: number): Example[] {
    const order = new Rng(seed).fork('samples').shuffle(Array.from({ length: POOL }, (_, i) => i));
    return order.slice(0, count).map((i) => this.take('train', i, 1)[0] as Example);
  }

  private problems(split: Split, upTo: number): WordProblem[] {
    const skip = split === 'validation' ? POOL : 0;
    const known = this.made.get(split);
    if (known && known.length >= upTo) return known;
    const { problems, minSteps, maxSteps, seed } = this.data;
    const side = split === 'held-out' ? 'held-out' : 'train';
    // Generated in large batches: the list for a larger count starts with the list for a smaller one.
    const count = Math.max(upTo, split === 'train' ? POOL : 1024);
    const all = SOURCES[problems].draw(seed, skip + count, { minSteps, maxSteps, split: side });
    const list = all.slice(skip);
    this.made.set(split, list);
    return list;
  }
}

export const problemOf = ({ id, problem: { question, steps, answer } }: Example): Problem => ({
  ...{ id, question, steps, answer },
});
