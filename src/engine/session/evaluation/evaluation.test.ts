import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AS_DETECTED } from '../../../contract/data';
import {
  BEGUN_OTHERWISE,
  type EvaluatedItem,
  type EvaluationEvent,
  type EvaluationRequest,
} from '../../../contract/evaluation';
import type { Progress, RunResult } from '../../../contract/events';
import { thoughtsIn, withThoughts } from '../../decode/reasoning';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { tinyRun, tinyRunBy } from '../runs/tiny-run.testing';
import { LoriWorkbench } from '../workbench';
import { countsOf, reasoningIn } from './ways';

const PROBLEMS = 5;
let workbench: LoriWorkbench;
let result: RunResult;
beforeAll(async () => {
  workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
  result = await workbench.distil(
    tinyRun({
      optimiser: { steps: 2 },
      data: { validation: 0, heldOut: PROBLEMS },
      evaluation: { explicit: true },
    }),
  );
}, 60_000);
afterAll(() => workbench.close());

const request = (over: Partial<EvaluationRequest> = {}): EvaluationRequest => ({
  ...{ subject: { kind: 'student' }, mode: 'latent', source: { kind: 'held-out' } },
  ...{ problems: PROBLEMS, rule: 'set', together: 1, ...over },
});

/** The items without their times. */
const timeless = (items: readonly EvaluatedItem[]) => items.map(({ milliseconds: _, ...rest }) => rest);

it('answers as the run did, one by one and in batches, with times only for single answers', async () => {
  const alone = await workbench.evaluate(request());
  expect(alone.items.filter(({ right }) => right)).toHaveLength(result.heldOut?.correct ?? -1);
  expect(alone.items.map(({ id }) => id)).toEqual(
    Array.from({ length: PROBLEMS }, (_, i) => `held-out-${i}`),
  );
  expect(alone).toMatchObject({ thoughts: 2, counts: [0, 1, 2, 3, 4], rule: 'last-number', total: PROBLEMS });
  expect(alone.items.every(({ milliseconds }) => (milliseconds ?? 0) > 0)).toBe(true);
  expect(timeless((await workbench.evaluate(request({ mode: 'own' }))).items)).toEqual(timeless(alone.items));
  const together = await workbench.evaluate(request({ together: 3 }));
  expect(timeless(together.items)).toEqual(timeless(alone.items));
  expect(together.items.every(({ milliseconds }) => milliseconds === null)).toBe(true);
});

it('answers after a written rationale and at once', async () => {
  const explicit = await workbench.evaluate(request({ mode: 'explicit', together: 5 }));
  expect(explicit.items.filter(({ right }) => right)).toHaveLength(result.explicit?.correct ?? -1);
  expect(explicit).toMatchObject({ thoughts: null, counts: [] });
  const direct = await workbench.evaluate(request({ mode: 'direct', together: 5 }));
  const none = await workbench.evaluate(request({ thoughts: 0, together: 5 }));
  // A student with only recurrent thoughts has nothing else between question and prompt.
  expect(timeless(direct.items)).toEqual(timeless(none.items));
  expect(timeless(direct.items)).not.toEqual(
    timeless((await workbench.evaluate(request({ together: 5 }))).items),
  );
});

/** A student by the method, of rows that all have the same answer, so that a few steps suffice for the held-out ones too. */
async function trainedOnRows(method: string) {
  const own = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await own.open('wasm');
  await own.loadPair('models');
  const names = ['Tom', 'Ann', 'Sam', 'Mia', 'Ben', 'Eva', 'Leo', 'Zoe'];
  const rows = names.map((name) => ({
    question: `${name} has 3 apples .`,
    steps: ['<<3+4=7>>'],
    answer: '7',
  }));
  await own.openData([{ name: 'rows.json', data: new Blob([JSON.stringify(rows)]) }], AS_DETECTED);
  const base = tinyRunBy(method, {
    data: { samples: 4, validation: 0, heldOut: 3, rule: 'gsm8k' },
    optimiser: { steps: 60, batch: 4, learningRate: 2e-2 },
    observation: { every: 0 },
  });
  const roles = { student: 'bundled', teacher: 'self', data: 'opened' } as const;
  const { heldOut } = await own.distil({ ...base, roles, lora: { ...base.lora, rank: 8 } });
  return { own, heldOut };
}

it('judges a written answer as its run did, by what follows the prompt', async () => {
  const { own, heldOut } = await trainedOnRows('cot-sft');
  const { items } = await own.evaluate(request({ problems: 3, mode: 'explicit', rule: 'gsm8k' }));
  const written = ['<<3+4=7>> The answer is: 7', true];
  expect(items.map(({ text, right }) => [text, right])).toEqual([written, written, written]);
  expect(heldOut?.correct).toBe(3);
  await own.close();
}, 60_000);

it.each(['cot-sft', 'nocot', 'icot', 'coconut'])(
  'has a student of %s answer as it was trained to, as its run did',
  { timeout: 60_000 },
  async (method) => {
    const { own, heldOut } = await trainedOnRows(method);
    const answered = await own.evaluate(request({ problems: 3, mode: 'own', rule: 'gsm8k', together: 50 }));
    expect(heldOut?.correct).toBe(3);
    expect(answered.items.map(({ right }) => right)).toEqual([true, true, true]);
    expect(answered.milliseconds).toBeGreaterThan(0);
    await own.close();
  },
);

it('continues where it was cancelled, but only with the same weights', async () => {
  const whole = await workbench.evaluate(request());
  const abort = new AbortController();
  const seen: EvaluatedItem[] = [];
  const report = (event: Progress | EvaluationEvent): void => {
    if ('phase' in event || event.kind !== 'items') return;
    seen.push(...event.items);
    if (seen.length === 2) abort.abort();
  };
  await expect(workbench.evaluate(request(), { signal: abort.signal, report })).rejects.toMatchObject({
    code: 'cancelled',
  });
  const known = seen.map(({ id }) => id);
  expect(known).toEqual(['held-out-0', 'held-out-1']);
  const { identity, data } = whole;
  const rest = await workbench.evaluate(request({ known, identity, data }));
  expect(timeless([...seen, ...rest.items])).toEqual(timeless(whole.items));
  expect((await workbench.evaluate(request({ known: whole.items.map(({ id }) => id) }))).items).toEqual([]);
  await expect(
    workbench.evaluate(request({ known, identity: { ...identity, student: 'other' } })),
  ).rejects.toThrow('started with other weights');
  for (const other of [{ identity: { ...identity, base: 'other' } }, { data: { ...data, sha256: 'other' } }])
    await expect(workbench.evaluate(request({ known, identity, data, ...other }))).rejects.toMatchObject({
      ...{ code: 'input', name: BEGUN_OTHERWISE },
    });
});

it('refuses impossible requests', async () => {
  await expect(workbench.evaluate(request({ problems: 0 }))).rejects.toMatchObject({ code: 'input' });
  for (const mode of ['direct', 'own'] as const)
    await expect(workbench.evaluate(request({ mode, thoughts: 2 }))).rejects.toThrow('2 thoughts');
  await expect(workbench.evaluate(request({ source: { kind: 'rows', seed: 1 } }))).rejects.toThrow(
    'no data set is open',
  );
});

describe('numbers of thoughts', () => {
  const latents = { kind: 'latents', steps: 3, feedback: { kind: 'hidden' } } as const;
  const fixed = (rows: readonly number[]) =>
    ({ kind: 'embeddings', parameter: 'tokens', rows, thoughts: true }) as const;
  const by = (...stages: readonly object[]) => ({ adapters: [], stages: stages as never });

  it('can be any for recurrent thoughts and for copies, but not more than there are different tokens', () => {
    const begin = { kind: 'tokens', ids: [7] };
    expect(countsOf(by(begin, latents))).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(countsOf(by(fixed([4, 4])))).toEqual([0, 1, 2, 3, 4]);
    expect(countsOf(by(fixed([4, 5])))).toEqual([0, 1, 2]);
    const jacobi = { kind: 'jacobi', parameter: 't', row: 0, count: 2, iterations: 1 };
    expect(countsOf(by({ ...jacobi, feedback: { kind: 'hidden' } }))).toEqual([2]);
    expect(countsOf(by(latents, latents))).toEqual([6]);
    expect(countsOf(by(begin))).toEqual([]);
    expect(withThoughts(by(fixed([4, 5, 6])), 2)).toEqual(by(fixed([4, 5])));
    expect(thoughtsIn(withThoughts(by(begin, latents), 5))).toBe(5);
    expect(() => withThoughts(by(fixed([4, 5])), 3)).toThrow('at most 2');
    expect(() => withThoughts(by(latents, latents), 3)).toThrow('their number is fixed at 6');
  });

  it('are exactly as requested even if a head would stop earlier', () => {
    const stop = { head: { kind: 'stopHead', name: 'stop' }, min: 1 };
    expect(reasoningIn({ mode: 'latent', thoughts: 2 }, by({ ...latents, stop }), 'x')).toEqual(
      by({ ...latents, steps: 2 }),
    );
  });
});
