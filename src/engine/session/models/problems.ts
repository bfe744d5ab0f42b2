import type { Split } from '../../../contract/calls';
import type { Problem } from '../../../contract/events';
import { InputError } from '../../base/errors';
import { Rng } from '../../base/rng';
import type { ProblemCodec, TokenProblem } from '../../data/tokens';
import { type WordProblem, wordProblems } from '../../data/word-problems';
import type { ManifestData } from './manifest';

/** Problems of validation, and of the held-out split. */
const MOST = 8192;

/** A problem with its tokens. */
export interface Example {
  readonly id: string;
  readonly problem: WordProblem;
  readonly tokens: TokenProblem;
}

/** Training problems to draw from; validation follows them in the same stream, so that no question is in both. */
export const POOL = 4096;

/**
 * The data of a pair: one pool of training problems, validation problems, and held-out ones that share no chain.
 * Throws InputError at once for numbers of steps that cannot be.
 */
export class ProblemSet {
  private readonly made = new Map<Split, WordProblem[]>();

  constructor(
    private readonly data: ManifestData,
    private readonly codec: ProblemCodec,
  ) {
    const { minSteps, maxSteps, seed } = data;
    wordProblems(seed, 1, { minSteps, maxSteps });
  }

  /** `count` problems of a split from index `from`. @throws InputError outside the set */
  take(split: Split, from: number, count: number): Example[] {
    const whole = [from, count].every((n) => Number.isInteger(n) && n >= 0);
    // Past the pool the training problems are those of validation.
    const most = split === 'train' ? POOL : MOST;
    if (!whole || from + count > most)
      throw new InputError(
        `problems ${from} to ${from + count} of ${split}: there are ${most}`,
        'Choose fewer problems.',
      );
    return this.problems(split, from + count)
      .slice(from, from + count)
      .map((problem, i) => ({ id: `${split}-${from + i}`, problem, tokens: this.codec.encode(problem) }));
  }

  /** B training samples drawn from the pool by `seed`, as the paper draws 128 of GSM8K-Aug. */
  sample(seed: number, count: number): Example[] {
    const order = new Rng(seed).fork('samples').shuffle(Array.from({ length: POOL }, (_, i) => i));
    return order.slice(0, count).map((i) => this.take('train', i, 1)[0] as Example);
  }

  private problems(split: Split, upTo: number): WordProblem[] {
    const skip = split === 'validation' ? POOL : 0;
    const known = this.made.get(split);
    if (known && known.length >= upTo) return known;
    const { minSteps, maxSteps, seed } = this.data;
    const side = split === 'held-out' ? 'held-out' : 'train';
    // Made in large lots: the list for a larger count begins with that for a smaller one.
    const count = Math.max(upTo, split === 'train' ? POOL : 1024);
    const all = wordProblems(seed, skip + count, { minSteps, maxSteps, split: side });
    const list = all.slice(skip);
    this.made.set(split, list);
    return list;
  }
}

export const problemOf = ({ id, problem }: Example): Problem => ({ id, ...problem });
