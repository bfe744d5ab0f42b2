import { afterAll, beforeAll, expect, it } from 'vitest';
import { readInterventions } from '../../../contract/intervention-text';
import { momentOf, STATE_SITES } from '../../../contract/latents';
import type { TeacherDistance, ThoughtReport } from '../../../contract/thoughts';
import { embeddingRows } from '../../model/fed-embeddings';
import { SITES } from '../../nn/attachments';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { relativeError } from '../../train/tiny.testing';
import { insideOf } from '../inside.testing';
import type { Pair } from '../models/pair';
import { tinyRun } from '../runs/tiny-run.testing';
import { LoriWorkbench } from '../workbench';

const QUESTION = 'Tom has 12 apples. He buys 3 more. How many apples does Tom have?';
const K = 3;

let workbench: LoriWorkbench;
const open = (student: 'base' | 'trained' = 'base', question = QUESTION) =>
  workbench.openQuestion({ question, student, steps: K });
const at = (session: number, step: number, text = '') => momentOf(session, step, readInterventions(text));

beforeAll(async () => {
  workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
});
afterAll(() => workbench.close());

it('can be changed at every site of a layer that there is', () => {
  expect(STATE_SITES).toEqual(SITES);
});

it('reports what is fed, what every layer says, what is attended to, and what is fed next', async () => {
  const { session, tokens, layers, heads, hidden } = await open();
  const reports: ThoughtReport[] = [];
  for (let t = 0; t <= K; t++) reports.push(await workbench.thought(at(session, t)));
  reports.forEach((report, t) => {
    expect(report.layers).toHaveLength(layers);
    const count = tokens.length + t;
    expect(report.columns.map(({ text }) => text)).toEqual([
      ...tokens,
      ...Array.from({ length: t }, (_, i) => `z${i + 1}`),
    ]);
    expect(report.attention).toHaveLength(layers * heads * count);
    for (let row = 0; row < layers * heads; row++) {
      const weights = report.attention.subarray(row * count, (row + 1) * count);
      expect(weights.reduce((sum, x) => sum + x, 0)).toBeCloseTo(1, 5);
    }
    // What was said to be fed next is what was fed.
    const { fed, next } = report;
    if (t === 0) expect(fed).toBeNull();
    const before = reports[t - 1]?.next;
    if (before?.kind === 'thought') expect(fed).toMatchObject({ values: before.values, top: before.top });
    expect(fed?.values.length ?? hidden).toBe(hidden);
    expect(next.kind).toBe(t < K ? 'thought' : 'prompt');
  });
  // The last layer is the head's: the unfiltered softmax at τ = 1 is the mixture that is fed next.
  const last = reports[1]?.layers.at(-1);
  expect(reports[2]?.fed?.top.map(({ id }) => id)).toEqual(last?.top.map(({ id }) => id));
  expect(reports[3]?.next).toEqual({ kind: 'prompt', tokens: [' The', ' answer', ' is', ':'] });
});

it('shows the tokens that are fed, with their weights in the mixture, at the temperature that is asked for', async () => {
  const temperature = 0.02;
  const { session, ...of } = await workbench.openQuestion({
    question: QUESTION,
    student: 'base',
    steps: 1,
    latent: { filter: 'softmax', temperature },
  });
  expect(of).toMatchObject({ latentSteps: 1, filter: 'softmax', temperature });
  const { fed, next } = {
    fed: (await workbench.thought(at(session, 1))).fed,
    next: (await workbench.thought(at(session, 0))).next,
  };
  const { top = [], values = new Float32Array(0) } = fed ?? {};
  expect(next).toMatchObject({ kind: 'thought', top });
  // So cold that what is not shown weighs nothing, and not so cold that one token is all.
  expect(top.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 4);
  expect(top[0]?.probability).toBeLessThan(0.999);
  const { weights } = insideOf<{ loaded: { pair: Pair } }>(workbench).loaded.pair.base;
  const rows = embeddingRows(
    weights,
    top.map(({ id }) => id),
  ).data as Float32Array;
  const mixture = Array.from(values, (_, h) =>
    top.reduce((sum, { probability }, i) => sum + probability * (rows[i * values.length + h] as number), 0),
  );
  // The rest of the vocabulary, and float32.
  expect(relativeError(values, mixture)).toBeLessThan(1e-4);
});

it('shows an intervention in what is fed from then on, and compares answers', async () => {
  const { session } = await open();
  const text = 'z2:scale(-2)';
  const [plain, changed] = [
    await workbench.thought(at(session, 2)),
    await workbench.thought(at(session, 2, text)),
  ];
  expect(changed.fed?.isChanged).toBe(true);
  expect(changed.fed?.normBefore).toBe(plain.fed?.norm);
  expect(changed.fed?.values).toEqual(plain.fed?.values.map((x) => -2 * x));
  expect(changed.layers).not.toEqual(plain.layers);
  // An intervention at a later step changes nothing here, and none of it is run.
  expect(await workbench.thought(at(session, 1, text))).toMatchObject({ ran: 0 });
  const { before, after, first, divergence } = await workbench.compareAnswers({
    before: at(session, K),
    after: at(session, K, text),
  });
  expect(before.top).toEqual((await workbench.answer(at(session, K))).top);
  expect(after.top).toEqual((await workbench.answer(at(session, K, text))).top);
  expect(first).toHaveLength(8);
  expect(divergence).toHaveLength(before.tokens.length + 1);
  expect(divergence[0]?.nats).toBeGreaterThan(0);
});

it('compares thoughts with the teacher’s rationale once it has reasoned about the question', async () => {
  const { session, hidden } = await open();
  expect((await workbench.thought(at(session, 1))).teacher).toMatchObject({
    missing: expect.stringContaining('has not reasoned'),
  });
  const { chain, tokens } = await workbench.explicit(QUESTION);
  expect(chain).toHaveLength(tokens);
  expect(chain.every(({ probability }) => probability > 0 && probability <= 1)).toBe(true);
  const teacher = (await workbench.thought(at(session, 1))).teacher as readonly TeacherDistance[];
  expect(teacher.map(({ layer }) => layer)).toEqual([1, 2]);
  for (const { nearest, toMean, energy } of teacher) {
    expect(chain[nearest.index]?.text).toBe(nearest.text);
    expect(nearest.distance).toBeGreaterThan(0);
    expect(Math.abs(nearest.cosine)).toBeLessThanOrEqual(1);
    expect(toMean).toBeGreaterThan(0);
    const shares = [...energy];
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBeLessThanOrEqual(1 + 1e-9);
    expect(shares.length).toBe(Math.min(32, hidden, chain.length));
  }
  // Also where the question is opened afterwards.
  const again = await open();
  expect((await workbench.thought(at(again.session, 1))).teacher).toEqual(teacher);
});

it('gives students hashes by their values, the same in every session', async () => {
  const run = tinyRun({ optimiser: { steps: 1 }, data: { heldOut: 0, validation: 0 } });
  const hash = async () => {
    await workbench.distil({ ...run, observation: { every: 0, samples: 1 } });
    return (await open('trained')).identity;
  };
  const [one, other] = [await hash(), await hash()];
  expect(one).toEqual(other);
  expect(one.student).toMatch(/^[0-9a-f]{64}$/);
  expect((await open()).identity).toEqual({ base: one.base, student: null });
});

it('refuses moments that cannot be', async () => {
  const { session } = await open();
  await expect(workbench.thought(at(session, K + 1))).rejects.toThrow('thought 4; there are 3');
  await expect(workbench.answer(at(session, 1, 'z4:zero'))).rejects.toThrow('thought 4; there are 3');
  const bad = { ...at(session, 1), interventions: [{ step: 1 }] } as never;
  await expect(workbench.thought(bad)).rejects.toMatchObject({ code: 'input' });
  await expect(
    workbench.compareAnswers({ before: at(session, 1), after: at(session + 1, 1) }),
  ).rejects.toThrow('one question');
});
