import { afterAll, beforeAll, expect, it } from 'vitest';
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

const stepOf = (event: RunEvent) => (event.kind === 'step' ? event.step : null);

/** When the GPU is lost, counted from an event of the run. */
const MOMENTS: readonly {
  readonly when: string;
  readonly after: (event: RunEvent) => boolean;
  readonly milliseconds: number;
}[] = [
  { when: 'between two steps', after: (event) => stepOf(event) === 5, milliseconds: 0 },
  { when: 'within a step', after: (event) => stepOf(event) === 5, milliseconds: 15 },
  {
    when: 'while it is paused',
    after: (event) => event.kind === 'state' && event.state === 'paused',
    milliseconds: 200,
  },
];

it.each(MOMENTS)(
  'a run whose GPU is lost $when says so within a second, and is resumed on a new device from its checkpoint',
  { timeout: 120_000 },
  async ({ when, after, milliseconds }) => {
    const { device } = insideOf<{ readonly opened: { readonly device: Device } }>(workbench).opened;
    const snapshots: RunSnapshot[] = [];
    let lostAt = Number.NaN;
    let last = 0;
    const lose = () => {
      lostAt = performance.now();
      device.gpu.destroy();
    };
    const failure = await workbench
      .distil(config, {
        keep: async (snapshot) => void snapshots.push(snapshot),
        report(event) {
          last = stepOf(event) ?? last;
          if (stepOf(event) === 5 && when === 'while it is paused') void workbench.control('pause');
          if (!after(event) || !Number.isNaN(lostAt)) return;
          if (milliseconds === 0) lose();
          else setTimeout(lose, milliseconds);
        },
      })
      .then(
        () => null,
        (error: unknown) => error,
      );
    const noticed = performance.now() - lostAt;
    console.log(`lost ${when}: noticed after ${noticed.toFixed(0)} ms`);
    expect(failure).toBeInstanceOf(LostDeviceError);
    expect(noticed).toBeLessThan(NOTICED);

    const kept = snapshots.at(-1) as RunSnapshot;
    expect(last - kept.step).toBeLessThanOrEqual(config.keeping.every);
    await workbench.open('webgpu');
    const seen: RunEvent[] = [];
    const result = await workbench.resume(kept.file, {
      report(event) {
        seen.push(event);
        if (stepOf(event) === kept.step + 2) void workbench.control('stop');
      },
    });
    expect(seen.find(({ kind }) => kind === 'resumed')).toMatchObject({
      step: kept.step,
      provider: 'webgpu',
    });
    expect(seen.flatMap((event) => stepOf(event) ?? [])[0]).toBe(kept.step + 1);
    expect(result).toMatchObject({ status: 'stopped', steps: kept.step + 2, provider: 'webgpu' });
  },
);
