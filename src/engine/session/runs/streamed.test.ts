import { expect, it } from 'vitest';
import type { Progress } from '../../../contract/events';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { LoriWorkbench } from '../workbench';
import { tinyRun, watch } from './tiny-run.testing';

it('learns the same from a teacher that is read twice, one sample at a time, and can be paused and cancelled meanwhile', async () => {
  const files = await tinyPair();
  const config = tinyRun({ optimiser: { steps: 3 }, data: { heldOut: 0, validation: 0 } as never });
  const open = async (heldStatesBytes?: number): Promise<LoriWorkbench> => {
    const workbench = new LoriWorkbench({
      ...tinyEnvironment(files),
      ...(heldStatesBytes !== undefined && { heldStatesBytes }),
    });
    await workbench.open('wasm');
    await workbench.loadPair('models');
    return workbench;
  };
  const [held, streamed] = [await open(), await open(0)];
  const [want, got] = [watch(), watch()];
  await held.distil(config, { report: want.report });
  await streamed.distil(config, { report: got.report });
  expect(await held.runCost(config)).toMatchObject({ reading: { held: true, readings: 1 } });
  expect(await streamed.runCost(config)).toMatchObject({ reading: { held: false, readings: 2 } });
  // The teacher pass has a different batch size, and states and factors a different order of float32 sums.
  for (const [i, { losses }] of want.steps().entries())
    for (const [term, value] of Object.entries(losses))
      expect((got.steps()[i]?.losses[term] as number) / value, term).toBeCloseTo(1, 4);
  const told = (phase: Progress['phase']) =>
    got.events.flatMap((e) => (e.kind === 'progress' && e.progress.phase === phase ? [e.progress] : []));
  const { samples } = config.data;
  expect(told('teacher').map(({ done }) => done)).toEqual(
    Array.from({ length: 2 * samples }, (_, i) => i + 1),
  );
  expect(new Set(told('teacher').map(({ total }) => total))).toEqual(new Set([2 * samples]));

  // In the second reading: a paused run waits, and a cancelled one ends.
  const stop = new AbortController();
  let paused = false;
  const at = watch((event) => {
    if (event.kind === 'state' && event.state === 'paused') {
      paused = true;
      setTimeout(() => stop.abort(), 20);
    }
    if (event.kind === 'progress' && event.progress.done === samples + 2) void streamed.control('pause');
  });
  await expect(streamed.distil(config, { report: at.report, signal: stop.signal })).rejects.toThrow(
    'cancelled',
  );
  expect(paused).toBe(true);
  expect(at.steps()).toEqual([]);
  await held.close();
  await streamed.close();
});
