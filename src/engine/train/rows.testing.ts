/** Batches whose rows differ in all lengths, and each of their rows alone. */
import type { HostTensor } from '../base/dtype';
import { Rng } from '../base/rng';
import { HIDDEN } from '../base/tokens';
import type { Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { DecoderConfig } from '../nn/config';
import { ParameterSet } from '../nn/parameter-set';
import type { Segment } from './tape/entries';
import { Tape } from './tape/tape';

const PROMPT = [4, 7];

/** One row: token ids, and its number of latents. */
export interface Row {
  readonly question: readonly number[];
  readonly rationale: readonly number[];
  readonly answer: readonly number[];
  readonly latents: number;
}

export function randomRows(vocab: number, lengths: readonly Readonly<Record<keyof Row, number>>[]): Row[] {
  const rng = new Rng(12);
  const ids = (length: number): number[] => Array.from({ length }, () => rng.integer(1, vocab - 1));
  return lengths.map(({ question, rationale, answer, latents }) => ({
    question: ids(question),
    rationale: ids(rationale),
    answer: ids(answer),
    latents,
  }));
}

/** Lengths of a batch: the maximum over its rows. */
const longest = (rows: readonly Row[]) => ({
  S: Math.max(...rows.map(({ question }) => question.length)),
  R: Math.max(...rows.map(({ rationale }) => rationale.length)) + PROMPT.length,
  A: Math.max(...rows.map(({ answer }) => answer.length)),
  K: Math.max(...rows.map(({ latents }) => latents)),
});

/**
 * Rationale and thoughts after the question, then the answer. Rows with fewer latents hide the later ones, and their
 * answer's positions follow their own last latent.
 */
export function recordRows(config: DecoderConfig, rows: readonly Row[]): Tape {
  const { S, R, A, K } = longest(rows);
  const adapters = ['student'];
  const lora = { kind: 'lora', rank: 2, alpha: 3, targets: ['q', 'k', 'v', 'o', 'up', 'down'] } as const;
  const tape = new Tape(new ParameterSet(config, { student: lora }), rows.length);
  const question = tape.segment(tape.tokens('question.ids', S), { adapters, mask: 'question.mask' });
  const text = tape.segment(tape.tokens('explicit.ids', R), { after: question, adapters });
  const explicit = { targets: 'explicit.targets', weights: 'explicit.weights' };
  tape.crossEntropy('explicit', 1, tape.rows(question.last, text.finals()), explicit);
  const thoughts: Segment[] = [];
  for (let k = 0; k < K; k++) {
    const after = thoughts.at(-1) ?? question;
    const z = tape.feedback(after.last, { kind: 'softmax', temperature: 0.8 });
    thoughts.push(tape.segment(z, { after, adapters, mask: `latents.mask.${k}` }));
  }
  if (K > 0)
    tape.loss(['thoughts'], [tape.stack(thoughts)], ({ graph }, [states]) => [
      o.reduceSum(o.mul(o.square(states as Tensor), graph.input('latents.weights', [rows.length, K, 1, 1]))),
    ]);
  const answer = tape.segment(tape.tokens('answer.ids', PROMPT.length + A - 1), {
    after: thoughts.at(-1) ?? question,
    adapters,
    positions: 'answer.positions',
  });
  const targets = { targets: 'answer.targets', weights: 'answer.weights' };
  tape.crossEntropy('answer', 1, answer.finals(PROMPT.length - 1), targets);
  return tape;
}

/** @param counted whether a row's losses count */
export function rowFeeds(
  rows: readonly Row[],
  counted: (row: Row) => boolean = () => true,
): Record<string, HostTensor> {
  const { S, R, A, K } = longest(rows);
  const B = rows.length;
  const table = (
    width: number,
    of: (row: Row, column: number) => number,
    shape: readonly number[] = [B, width],
  ): HostTensor => ({
    dtype: 'f32',
    shape,
    data: Float32Array.from({ length: B * width }, (_, i) =>
      of(rows[Math.floor(i / width)] as Row, i % width),
    ),
  });
  const whole = (width: number, of: (row: Row, column: number) => number): HostTensor => ({
    dtype: 'i32',
    shape: [B, width],
    data: Int32Array.from(table(width, of).data as Float32Array),
  });
  const text = ({ rationale }: Row): number[] => [...rationale, ...PROMPT];
  const weightOf = (width: number, count: (row: Row) => number) =>
    table(width, (row, j) => (counted(row) && j < count(row) ? 0.1 : 0));
  const P = PROMPT.length;
  const pad = (row: Row): number => S - row.question.length;
  return {
    'question.ids': whole(S, (row, j) => row.question[j - pad(row)] ?? 0),
    'question.mask': table(S, (row, j) => (j < pad(row) ? HIDDEN : 0), [B, 1, 1, S]),
    'explicit.ids': whole(R, (row, j) => text(row)[j] ?? 0),
    'explicit.targets': whole(R + 1, (row, j) => [...text(row), row.answer[0]][j] ?? 0),
    'explicit.weights': weightOf(R + 1, (row) => text(row).length + 1),
    ...Object.fromEntries(
      Array.from({ length: K }, (_, k) => [
        `latents.mask.${k}`,
        table(1, ({ latents }) => (k < latents ? 0 : HIDDEN), [B, 1, 1, 1]),
      ]),
    ),
    'latents.weights': table(K, (row, k) => (counted(row) && k < row.latents ? 0.01 * (k + 1) : 0), [
      B,
      K,
      1,
      1,
    ]),
    'answer.ids': whole(P + A - 1, (row, j) => [...PROMPT, ...row.answer][j] ?? 0),
    'answer.positions': whole(P + A - 1, (row, j) => S + row.latents + j),
    'answer.targets': whole(A, (row, j) => row.answer[j] ?? 0),
    'answer.weights': weightOf(A, (row) => row.answer.length),
  };
}
