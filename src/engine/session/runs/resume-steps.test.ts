import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseRunConfig } from '../../../contract/config';
import { METHODS, methodOf } from '../../../contract/methods/index';
import { runStages } from '../../../contract/methods/method';
import { SMALLEST } from '../../testing/tiny-pair.testing';
import type { LoriWorkbench } from '../workbench';
import { at, contents, keepAll, losses, openTiny } from './keep-all.testing';
import { tinyRunBy } from './tiny-run.testing';

/**
 * A run that is stopped after every step, and resumed each time: losses and everything stored (values,
 * moments, a reference, curves) equal those of the uninterrupted run at every step, to the bit.
 */
let workbench: LoriWorkbench;
beforeAll(async () => {
  workbench = await openTiny(SMALLEST);
});
afterAll(() => workbench.close());

type Case = readonly [method: string, weights: 'lora' | 'full', variant?: object];
const CASES: readonly Case[] = [
  ...METHODS.map(({ id }): Case => [id, 'lora']),
  // With a curriculum, and with a reference that is a copy of all that is trained.
  ...[['coconut', 'full'] as const, ['grpo', 'full'] as const],
  ...(['pauses', 'nothing'] as const).map(
    (inPlace): Case => ['coconut', 'lora', { curriculum: { inPlace, uniform: 0.5 } }],
  ),
  ['coconut', 'lora', { weights: { decoder: 1 } }],
  ['icot', 'lora', { removal: { positions: 'kept' } }],
  ['adaptive', 'lora', { latents: { filter: 'linear', detachStop: true } }],
];
it.each(CASES.map((one) => [one[0], one[1], JSON.stringify(one[2] ?? {}), one] as const))(
  '%s, %s %s',
  async (_method, _weights, _variant, [method, weights, variant = {}]) => {
    const config = tinyRunBy(method, {
      data: { samples: 4, validation: 0, heldOut: 0 },
      lora: { rank: 1, dropout: 0.2 },
      // An epoch is two steps.
      optimiser: { steps: 3, batch: 2 },
      factors: {
        layerRank: 1,
        hiddenRank: 2,
        anchor: { sampleRank: 2, layerRank: 1, hiddenRank: 2 } as never,
      },
      evaluation: { every: 0 },
      observation: { every: 0 },
      keeping: { every: 1 },
    });
    const varied = Object.entries(variant).map(([group, changes]) => [
      group,
      { ...(config as unknown as Record<string, object>)[group], ...changes },
    ]);
    const run = parseRunConfig({
      ...{ ...config, ...Object.fromEntries(varied) },
      ...(weights === 'full' && { training: { weights } }),
    });
    const { steps } = run.optimiser;
    const stages = runStages(methodOf(method), run);
    // In a curriculum, the last step belongs to the second stage.
    if (stages.length > 0) expect(stages[1]?.from).toBe(2);
    const whole = await keepAll(run, { on: workbench });

    let part = await keepAll(run, { on: workbench, stopAt: 1 });
    const all = [...losses(part)];
    for (let step = 1; ; step++) {
      const [status, here] = step < steps ? (['stopped', step] as const) : (['done', steps] as const);
      const { header, ...kept } = await contents(at(part, here, status));
      const expected = await contents(at(whole, here, status === 'done' ? 'done' : 'training'));
      expect(kept, `after step ${step}`).toEqual({ bytes: expected.bytes, series: expected.series });
      expect({ ...header, status: null }).toEqual({ ...expected.header, status: null });
      if (status === 'done') break;
      part = await keepAll(at(part, step, 'stopped').file, { on: workbench, stopAt: step + 1 });
      all.push(...losses(part));
    }
    expect(all).toEqual(losses(whole));
    // The last snapshot opens as a student.
    expect((await workbench.openStudent(at(part, steps, 'done').file)).step).toBe(steps);
  },
);
