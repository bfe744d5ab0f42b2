import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseRunConfig } from '../../../contract/config';
import { Rng } from '../../base/rng';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { POOL } from '../models/problems';
import { LoriWorkbench } from '../workbench';
import { tinyRunBy, watch } from './tiny-run.testing';

/** A student that has memorised its samples answers them: decoding matches training, thought by thought. */

let workbench: LoriWorkbench;
beforeAll(async () => {
  workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
}, 60_000);
afterAll(() => workbench.close());

const SAMPLES = 2;
const CASES: Readonly<Record<string, object>> = {
  coconut: { curriculum: { stages: 1, stageSteps: 1, latentsPerStep: 2 } },
  icot: { removal: { perStage: 64, stageSteps: 1, allBeyond: 64 } },
  adaptive: { latents: { factor: 1, bias: -1, min: 0, max: 6 } },
};

it.each(Object.entries(CASES))(
  '%s',
  async (method, settings) => {
    const base = tinyRunBy(method, {
      data: { samples: SAMPLES, validation: 0, heldOut: 0 },
      optimiser: { steps: 120, batch: SAMPLES, learningRate: 2e-2 },
      evaluation: { every: 0 },
      observation: { every: 0 },
    });
    const weights = { ...base.weights, answer: 1 };
    const config = parseRunConfig({ ...base, ...settings, weights, lora: { ...base.lora, rank: 8 } });
    const watched = watch();
    await workbench.distil(config, { report: watched.report });
    if (process.env.SHOW) console.log(method, watched.steps().at(-1)?.losses);
    const all = Array.from({ length: POOL }, (_, i) => i);
    const order = new Rng(config.seed).fork('samples').shuffle(all);
    const lengths = new Set<number>();
    for (const index of order.slice(0, SAMPLES)) {
      const [problem] = await workbench.problems('train', index, 1);
      const { question = '', answer = '', steps = [] } = problem ?? {};
      const session = await workbench.openQuestion({ question, student: 'trained' });
      if (method === 'adaptive') expect(session.latentSteps).toBe(Math.min(6, steps.length - 1));
      lengths.add(session.latentSteps);
      const moment = { session: session.session, step: session.latentSteps, interventions: [] };
      expect((await workbench.answer(moment)).value).toBe(answer);
    }
  },
  60_000,
);
