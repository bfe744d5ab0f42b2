import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunResult } from '../../../contract/events';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { tinyRun } from '../runs/tiny-run.testing';
import { LoriWorkbench } from '../workbench';

const PROBLEMS = 5;
let workbench: LoriWorkbench;
let result: RunResult;
beforeAll(async () => {
  workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
  result = await workbench.distil(tinyRun({ data: { validation: 0, heldOut: PROBLEMS } }));
}, 60_000);
afterAll(() => workbench.close());

const request = {
  subject: { kind: 'student' },
  source: { kind: 'held-out' },
  problems: PROBLEMS,
  seed: 1,
  ranks: [2],
} as const;

it('answers the held-out problems as the run did, and with its own vectors refed gives the same distribution', async () => {
  const report = await workbench.testThoughts(request);
  expect(report.straight.accuracy).toEqual(result.heldOut);
  expect(report.ids).toHaveLength(PROBLEMS);
  const kinds = new Set(report.points.map(({ condition }) => condition.kind));
  expect(kinds).toEqual(new Set(['count', 'replaced', 'one', 'directions']));
  for (const { problems, outcomes, divergence } of [report.straight, ...report.points]) {
    expect(outcomes).toHaveLength(problems.length);
    expect(divergence.every(Number.isFinite)).toBe(true);
  }
  // Other vectors in the thoughts' places make a difference to the model.
  const zero = report.points.find(
    ({ condition }) => condition.kind === 'replaced' && condition.by === 'zero',
  );
  expect(zero?.divergence.every((value) => value > 0)).toBe(true);
  expect(report.straight.divergence.every((value) => value === 0)).toBe(true);
});

it('refuses impossible requests before anything is computed', async () => {
  await expect(workbench.testThoughts({ ...request, problems: 1 })).rejects.toThrow('problems');
  await expect(workbench.testThoughts({ ...request, ranks: [0] })).rejects.toThrow('rank');
});
