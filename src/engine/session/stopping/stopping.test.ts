import { expect, it } from 'vitest';
import { summariseStopping } from '../../../contract/stopping';
import type { HostTensor } from '../../base/dtype';
import type { Decoder, DecoderInput } from '../../decode/decoder';
import type { Reasoning } from '../../decode/reasoning';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import { tinyRunBy } from '../runs/tiny-run.testing';
import { LoriWorkbench } from '../workbench';
import { answersAtEveryStop } from './stopping';

/**
 * A student constructed so that the truth is known: its question is a digit d, it knows the answer after d
 * thoughts or more, up to 4, and `sure` gives its head's confidence in stopping.
 */
const [B, S, MAX, MIN, V, END] = [3, 2, 4, 1, 40, 1];

interface Row {
  readonly digit: number;
  readonly thoughts: number;
  readonly said: number;
}

function student(sure: (row: Row) => number) {
  let alive = 0;
  const host = (data: ArrayLike<number>) => ({ read: async () => data, dispose: () => undefined });
  const stateOf = (rows: readonly Row[]) => {
    alive++;
    return { tensors: { rows }, rows, room: 99, dispose: () => void alive-- };
  };
  type State = ReturnType<typeof stateOf>;
  const decoder = {
    shape: { batch: B, question: S, config: { vocabSize: V, hiddenSize: 4 } },
    async begin(ids: HostTensor) {
      return stateOf(
        Array.from({ length: B }, (_, b) => ({
          ...{ digit: ids.data[b * S + S - 1] as number, thoughts: 0, said: 0 },
        })),
      );
    },
    async advance({ rows }: State, input: DecoderInput) {
      if ('latent' in input) return stateOf(rows.map((row) => ({ ...row, thoughts: row.thoughts + 1 })));
      const isSaid = 'tokens' in input && (input.tokens[0] as number) >= 10;
      return stateOf(rows.map((row) => ({ ...row, said: row.said + (isSaid ? 1 : 0) })));
    },
    async read(key: string, _program: unknown, { rows }: State['tensors']) {
      if (key.startsWith('stop '))
        return { odds: host(Float32Array.from(rows, (row) => Math.log(sure(row) / (1 - sure(row))))) };
      const ids = rows.map(({ digit, thoughts, said }) =>
        said > 0 ? END : 10 + (thoughts >= digit ? digit : 9),
      );
      return { id: host(Int32Array.from(ids)), logProbability: host(new Float32Array(B)) };
    },
  };
  return { decoder: decoder as unknown as Decoder, alive: () => alive };
}

const reasoning: Reasoning = {
  adapters: [],
  stages: [
    { kind: 'tokens', ids: [5] },
    {
      ...{ kind: 'latents', steps: MAX, feedback: { kind: 'hidden' } },
      stop: { head: { kind: 'stopHead', name: 'stop' }, min: MIN },
    },
    { kind: 'tokens', ids: [6] },
  ],
};

const tokenizer = {
  vocabSize: V,
  decode: (ids: readonly number[]) => ids.map((id) => String(id - 10)).join(' '),
} as unknown as Tokenizer;

/**
 * Digits 1 … 4 twenty times each, and four more 4s: no batch has only one digit, and the last is not full.
 */
const DIGITS = [...Array.from({ length: 80 }, (_, i) => 1 + (i % 4)), 4, 4, 4, 4];

async function run(sure: (row: Row) => number) {
  const { decoder, alive } = student(sure);
  const found = await answersAtEveryStop(
    {
      ...{ decoder, tokenizer, reasoning, endIds: [END], limit: 3 },
      codec: { prompt: [7], padId: 0 } as never,
      problems: DIGITS.map((digit) => ({ tokens: { question: [digit] } as never, answer: String(digit) })),
    },
    'student',
    () => undefined,
  );
  expect(alive()).toBe(0);
  return { found, summary: summariseStopping(found) };
}

it('a head that is as sure as it is right is calibrated, and stops where the answer is known', async () => {
  const { found, summary } = await run(({ digit, thoughts }) => (thoughts >= digit ? 0.999999 : 0.000001));
  expect(found.own).toEqual(DIGITS);
  expect(summary.own.share).toBe(1);
  expect(summary.best.share).toBe(1);
  expect(summary.calibration.error).toBeLessThan(1e-5);
  // After k thoughts the digits up to k are known: 20 each of 1 … 4, and four more 4s.
  expect(summary.byThoughts.map(({ accuracy }) => accuracy.correct)).toEqual([0, 20, 40, 60, 84]);
  expect(summary.calibration.count).toBe(84 * (MAX - MIN));
});

it('a head that is always sure stops at once, and its calibration error is its error rate', async () => {
  const { found, summary } = await run(() => 0.8);
  expect(found.own).toEqual(DIGITS.map(() => MIN));
  expect(summary.own.correct).toBe(20);
  // Decisions after 1, 2 and 3 thoughts: 20 + 40 + 60 of 3·84 are right, all predicted at 0.8.
  const right = (20 + 40 + 60) / (3 * 84);
  expect(summary.calibration.error).toBeCloseTo(0.8 - right, 6);
  expect(summary.calibration.brier).toBeCloseTo(right * 0.04 + (1 - right) * 0.64, 6);
  expect(summary.calibration.bins[8]?.count).toBe(3 * 84);
});

it('a head that never stops is stopped at the maximum, and one that is sure too early loses answers', async () => {
  expect((await run(() => 0.2)).found.own).toEqual(DIGITS.map(() => MAX));
  const { summary } = await run(({ digit, thoughts }) => (thoughts >= digit - 1 ? 0.9 : 0.1));
  // One thought too early, but digit 1 is still right at the minimum.
  expect(summary.own.correct).toBe(20);
});

it('stops a trained student where its own evaluation did, with the same answers', async () => {
  const workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
  const lori = { optimiser: { steps: 1 }, data: { validation: 0, heldOut: 5 } };
  await workbench.distil(tinyRunBy('lori', lori));
  const asked = { subject: { kind: 'student' }, source: { kind: 'held-out' }, problems: 5 } as const;
  await expect(workbench.stopping(asked)).rejects.toThrow('has no stop head');
  await workbench.distil(tinyRunBy('adaptive', { ...lori, optimiser: { steps: 2 } }));
  const { own, right, odds, max } = await workbench.stopping(asked);
  const { items } = await workbench.evaluate({ ...asked, mode: 'latent', rule: 'set', together: 5 });
  expect(own).toEqual(items.map(({ thoughts }) => thoughts));
  expect(own.map((k, i) => right[i * (max + 1) + k] === 1)).toEqual(items.map((item) => item.right));
  expect(odds.every(Number.isFinite)).toBe(true);
  await workbench.close();
}, 60_000);
