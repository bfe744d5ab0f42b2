import { afterAll, beforeAll, expect, it } from 'vitest';
import { thinking } from '../../decode/reasoning.testing';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { TINY_CONFIG } from '../../train/tiny.testing';
import { TrainedAdapter } from './adapter';
import type { Student } from './student';
import { ANY } from './student.testing';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

const student = (): Student => ({
  ...ANY,
  label: 'a student',
  reasoning: thinking(2, undefined, []),
  parameters: {
    adapters: {},
    modules: [
      { name: 'a', shape: [2] },
      { name: 'b', shape: [1] },
    ],
  },
  packs: [new Float32Array([0.5, -0.5]), new Float32Array([0.25])],
});

/** Trains to step t: every parameter becomes t. */
const trainTo = (adapter: TrainedAdapter, t: number): void => {
  for (const pack of adapter.packs) pack.write(new Float32Array(pack.data.length).fill(t));
};
const values = (adapter: TrainedAdapter) => ({
  kept: adapter.student.packs.map((pack) => [...pack]),
  trained: adapter.packs.map((pack) => [...pack.data]),
});
const all = (t: number) => [[t, t], [t]];

it.each([
  ['the best one, the latest among equals, put back where it is trained', true, 3, all(3)],
  ['the last one', false, 5, all(5)],
] as const)('ends with %s', async (_what, keepBest, step, expected) => {
  const adapter = new TrainedAdapter(runtime, TINY_CONFIG, student(), keepBest);
  for (const [t, correct] of [
    [1, 4],
    [2, 6],
    [3, 6],
    [4, 5],
  ] as const) {
    trainTo(adapter, t);
    await adapter.offer(t, correct);
    // A snapshot in between does not replace a better copy.
    expect(await adapter.snapshot(t)).toEqual(all(t).map((x) => new Float32Array(x)));
  }
  trainTo(adapter, 5);
  await adapter.settle(5);
  expect(adapter.copiedStep).toBe(step);
  expect(values(adapter)).toEqual({ kept: expected, trained: expected });
  adapter.dispose();
});

it('holds nothing trained before its first copy, and its last copy after a failure', async () => {
  const adapter = new TrainedAdapter(runtime, TINY_CONFIG, student(), false);
  await adapter.snapshot(0);
  expect(adapter.copiedStep).toBe(0);
  trainTo(adapter, 3);
  await adapter.snapshot(3);
  trainTo(adapter, 9);
  expect([adapter.copiedStep, values(adapter).kept]).toEqual([3, all(3)]);
  adapter.dispose();
});

it('takes the best of the last stage, which begins anew, with how it reasons there', async () => {
  const adapter = new TrainedAdapter(runtime, TINY_CONFIG, student(), true);
  const offer = async (t: number, correct: number): Promise<void> => {
    trainTo(adapter, t);
    await adapter.offer(t, correct);
  };
  await offer(1, 6);
  await offer(2, 5);
  expect([adapter.copiedStep, adapter.student.reasoning]).toEqual([1, thinking(2, undefined, [])]);
  const next = thinking(5, undefined, []);
  adapter.enters(next);
  // Nothing is copied before the stage is measured: the student is still that of the one before.
  expect([adapter.copiedStep, adapter.student.reasoning]).toEqual([1, thinking(2, undefined, [])]);
  // Worse than the best of the stage before, and the best of its own.
  await offer(3, 2);
  expect([adapter.copiedStep, values(adapter).kept]).toEqual([3, all(3)]);
  await offer(4, 1);
  trainTo(adapter, 5);
  await adapter.settle(5);
  expect([adapter.copiedStep, adapter.student.reasoning]).toEqual([3, next]);
  expect(values(adapter)).toEqual({ kept: all(3), trained: all(3) });
  adapter.dispose();
});

it('ends with the last parameters where no copy was kept since the last stage began', async () => {
  const adapter = new TrainedAdapter(runtime, TINY_CONFIG, student(), true);
  trainTo(adapter, 1);
  await adapter.offer(1, 6);
  adapter.enters(thinking(5, undefined, []));
  trainTo(adapter, 2);
  await adapter.settle(2);
  expect([adapter.copiedStep, values(adapter).kept]).toEqual([2, all(2)]);
  adapter.dispose();
});
