import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunOptions } from '../../../contract/calls';
import { parseRunConfig } from '../../../contract/config';
import type { RunEvent } from '../../../contract/events';
import type { RunSnapshot } from '../../../contract/snapshot';
import { LostDeviceError } from '../../base/errors';
import type { Device } from '../../device/device';
import { wasmPaths } from '../../runtime/assets';
import { SMALLEST, tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { insideOf } from '../inside.testing';
import { LoriWorkbench } from '../workbench';

/** Milliseconds within which a run must say that its GPU is lost. */
const NOTICED = 1000;

/** Without a teacher every start is short; few shapes, because a software adapter compiles a shader for each. */
const config = parseRunConfig({
  method: 'nocot',
  data: { samples: 2, validation: 0, heldOut: 0 },
  lora: { rank: 2 },
  optimiser: { steps: 500, batch: 1 },
  observation: { every: 0 },
  keeping: { every: 2 },
});

let workbench: LoriWorkbench;
beforeAll(async () => {
  workbench = new LoriWorkbench({ ...tinyEnvironment(await tinyPair(SMALLEST)), wasmPaths });
  await workbench.open('webgpu');
  await workbench.loadPair('models');
}, 120_000);
afterAll(() => workbench.close());

interface Lost {
  /** The run's last snapshot, and its last step. */
  readonly kept: RunSnapshot;
  readonly last: number;
  /** Steps, from the first of this attempt. */
  readonly steps: readonly number[];
  readonly resumed: RunEvent | undefined;
}

/** Runs until the GPU is lost, some time after an event; the run must have said so within a second. */
async function losing(
  what: string,
  run: (options: RunOptions) => Promise<unknown>,
  isMoment: (event: RunEvent, steps: number) => boolean,
  milliseconds = 0,
): Promise<Lost> {
  const { device } = insideOf<{ readonly opened: { readonly device: Device } }>(workbench).opened;
  const snapshots: RunSnapshot[] = [];
  const events: RunEvent[] = [];
  const start = performance.now();
  let lostAt: number | undefined;
  const lose = () => {
    lostAt = performance.now();
    device.gpu.destroy();
  };
  const steps = () => events.flatMap((event) => (event.kind === 'step' ? [event.step] : []));
  const failure = await run({
    keep: async (snapshot) => void snapshots.push(snapshot),
    report(event) {
      events.push(event);
      if (!isMoment(event, steps().length)) return;
      if (milliseconds === 0) lose();
      else setTimeout(lose, milliseconds);
    },
  }).then(
    () => null,
    (error: unknown) => error,
  );
  const noticed = performance.now() - (lostAt ?? Number.NaN);
  console.log(
    `lost ${what}, ${((lostAt ?? 0) - start).toFixed(0)} ms after the start: noticed after ${noticed.toFixed(0)} ms`,
  );
  expect(failure).toBeInstanceOf(LostDeviceError);
  expect(noticed).toBeLessThan(NOTICED);
  const kept = snapshots.at(-1) as RunSnapshot;
  const last = steps().at(-1) ?? kept.step;
  expect(last - kept.step).toBeLessThanOrEqual(config.keeping.every);
  return { kept, last, steps: steps(), resumed: events.find(({ kind }) => kind === 'resumed') };
}

// Between two steps: workbench.slow.browser.test.ts. Each start takes a software adapter a minute, for its shaders.
it('a run whose GPU is lost says so within a second, and is resumed on a new device from its checkpoint', {
  timeout: 400_000,
}, async () => {
  const first = await losing(
    'within a step',
    (options) => workbench.distil(config, options),
    ({ kind }, steps) => kind === 'step' && steps === 3,
    // A step takes some tens of milliseconds on a software adapter.
    10,
  );
  expect(first.kept.step).toBeGreaterThan(0);

  await workbench.open('webgpu');
  const second = await losing(
    'while it is paused',
    (options) => {
      const report = (event: RunEvent) => {
        options.report?.(event);
        if (event.kind === 'step') void workbench.control('pause');
      };
      return workbench.resume(first.kept.file, { ...options, report });
    },
    (event) => event.kind === 'state' && event.state === 'paused',
    200,
  );
  expect(second.resumed).toMatchObject({ step: first.kept.step, provider: 'webgpu' });
  expect(second.steps[0]).toBe(first.kept.step + 1);
  // What was done before the pause is kept, so that nothing is lost.
  expect(second.kept.step).toBe(second.last);
});
