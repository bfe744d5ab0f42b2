import { expect, it } from 'vitest';
import type { Accuracy } from '../../../contract/events';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { insideOf } from '../inside.testing';
import { LoriWorkbench } from '../workbench';
import { figure6, tinyRun } from './tiny-run.testing';

/** Where a test replaces the teacher's measurement. */
interface Inside {
  readonly questions: { teacherAccuracy(): Promise<Accuracy> };
}

it('counts only its own programs and seconds, and names the ranks that were reduced', async () => {
  const workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
  // Other users' programs, alive in the same runtime.
  await workbench.lens(figure6(3, 1));
  const { questions } = insideOf<Inside>(workbench);
  const wait = 1500;
  questions.teacherAccuracy = async () => {
    await new Promise((resolve) => setTimeout(resolve, wait));
    return { correct: 1, total: 4, share: 0.25, low: 0, high: 1 };
  };
  const start = performance.now();
  const result = await workbench.distil(
    tinyRun({
      factors: {
        layerRank: 2,
        hiddenRank: 32,
        anchor: { sampleRank: 50, layerRank: 2, hiddenRank: 8, hooi: true },
      },
    }),
  );
  const took = (performance.now() - start) / 1000;
  expect(result.programs).toBe(1);
  expect(result.teacher?.share).toBe(0.25);
  const { seconds } = result;
  const told = seconds.teacher + seconds.compile + seconds.train + seconds.evaluate;
  expect(told).toBeLessThan(took - 0.9 * (wait / 1000));
  // Six samples have no more than six directions among them.
  expect(result.ranksUsed).toEqual({ 'factors.anchor.sampleRank': 6 });
  await workbench.close();
});
