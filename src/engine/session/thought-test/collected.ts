import type { ThoughtCondition, ThoughtTestPoint } from '../../../contract/thought-test';
import { shareOf } from '../../eval/accuracy';
import { type BatchAnswers, divergenceOf } from './answers';

/** A condition's results, batch by batch, in any order of problems. */
export class Collected {
  private readonly rows = new Map<number, { right: boolean; changed: boolean; divergence: number }>();
  private readonly included: ReadonlySet<number>;

  constructor(
    private readonly condition: ThoughtCondition,
    private readonly problems: readonly number[],
    private readonly directions?: number,
  ) {
    this.included = new Set(problems);
  }

  get size(): number {
    return this.problems.length;
  }

  /** Whether this condition covers some of these problems. */
  concerns(problems: readonly number[]): boolean {
    return problems.some((problem) => this.included.has(problem));
  }

  add(problems: readonly number[], answers: BatchAnswers, straight: BatchAnswers, B: number): void {
    problems.forEach((problem, i) => {
      if (!this.included.has(problem)) return;
      this.rows.set(problem, {
        right: answers.right[i] === true,
        changed: answers.values[i] !== straight.values[i],
        divergence: divergenceOf(straight.first, answers.first, i, B),
      });
    });
  }

  point(): ThoughtTestPoint {
    const rows = this.problems.flatMap((problem) => this.rows.get(problem) ?? []);
    const outcomes = Uint8Array.from(rows, ({ right }) => (right ? 1 : 0));
    return {
      condition: this.condition,
      problems: this.problems,
      outcomes,
      changed: Uint8Array.from(rows, ({ changed }) => (changed ? 1 : 0)),
      divergence: Float32Array.from(rows, ({ divergence }) => divergence),
      accuracy: shareOf(outcomes),
      ...(this.directions !== undefined && { directions: this.directions }),
    };
  }
}
