import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunConfig } from '../../../contract/config';
import type { RunEvent } from '../../../contract/events';
import type { RunCost } from '../../../contract/run-cost';
import type { LoriWorkbench } from '../workbench';
import { openTiny } from './keep-all.testing';
import { tinyRun, tinyRunBy, watch } from './tiny-run.testing';

let workbench: LoriWorkbench;
beforeAll(async () => {
  workbench = await openTiny();
});
afterAll(() => workbench.close());

const secondsOf = async (config: RunConfig, on = workbench): Promise<NonNullable<RunCost['seconds']>> => {
  const { seconds } = await on.runCost(config);
  if (!seconds) throw new Error('no estimate');
  return seconds;
};
const evaluationOf = async (config: RunConfig) => (await secondsOf(config)).evaluation;

/** What a run of the configuration measures, by its events. */
async function measured(config: RunConfig) {
  const run = watch();
  await workbench.distil(config, { report: run.report });
  const of = (set: string) => run.events.filter((e) => e.kind === 'evaluation' && e.set === set).length;
  const looks = run.events.filter((e: RunEvent) => e.kind === 'spectrum').length;
  return { validations: of('validation'), heldOut: of('held-out'), looks };
}

describe('the estimate of a run', () => {
  it('adds up reading, steps and evaluation', async () => {
    const config = tinyRun();
    const { step, teacher, evaluation, all } = await secondsOf(config);
    const { all: sum, ...parts } = evaluation;
    expect(sum).toBeCloseTo(Object.values(parts).reduce((a, b) => a + b));
    expect(sum).toBeGreaterThan(0);
    expect(all).toBeCloseTo(teacher + config.optimiser.steps * step + sum);
  });

  it.each([
    ['every 2 of 5 steps, observed at every 3rd', tinyRun({ observation: { every: 3 } })],
    ['every 5 of 5 steps', tinyRun({ evaluation: { every: 5 }, observation: { every: 5 } })],
    ['and before the stages of a curriculum', tinyRunBy('coconut', { evaluation: { every: 3 } })],
  ] as const)('counts what the run then measures: %s', async (_, config) => {
    const often: RunConfig = { ...config, observation: { ...config.observation, every: 1 } };
    // One that has timed no run, so that estimates differ only by how often.
    const fresh = await openTiny();
    const [own, dense] = [
      (await secondsOf(config, fresh)).evaluation,
      (await secondsOf(often, fresh)).evaluation,
    ];
    await fresh.close();
    const { validations, heldOut, looks } = await measured(config);
    expect(heldOut).toBe(1);
    const perProblem = own.heldOut / config.data.heldOut;
    expect(own.validation / (config.data.validation * perProblem)).toBeCloseTo(validations);
    const { looks: all } = await measured(often);
    expect(looks).toBeLessThan(all);
    expect(own.observation / dense.observation).toBeCloseTo(looks / all);
  });

  it('counts written rationales and the teacher where they are measured', async () => {
    const own = await openTiny();
    const config = tinyRun({ evaluation: { explicit: true } });
    const before = (await secondsOf(config, own)).evaluation;
    expect(before.written).toBeGreaterThan(before.heldOut);
    expect(before.teacher).toBeGreaterThan(before.heldOut);
    expect((await secondsOf(tinyRun(), own)).evaluation.written).toBe(0);
    // A student that writes its rationale is measured so once.
    const cot = {
      ...tinyRunBy('cot-sft'),
      evaluation: { ...config.evaluation, explicit: true },
    } as RunConfig;
    expect((await secondsOf(cot, own)).evaluation).toMatchObject({ written: 0, observation: 0 });
    await own.distil(config);
    // Its accuracy is known now.
    expect((await secondsOf(config, own)).evaluation.teacher).toBe(0);
    await own.close();
  });

  it('is nothing where nothing is measured', async () => {
    const none = tinyRun({
      data: { validation: 0, heldOut: 0 },
      evaluation: { every: 0, explicit: true },
      observation: { every: 0 },
    });
    expect((await evaluationOf(none)).all).toBe(0);
  });
});
