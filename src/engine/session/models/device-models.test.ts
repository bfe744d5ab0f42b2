import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CausalRequest, NamedFile } from '../../../contract/lens';
import type { Runtime } from '../../runtime/runtime';
import { filesOf, tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { insideOf } from '../inside.testing';
import { figure6 } from '../runs/tiny-run.testing';
import { LoriWorkbench } from '../workbench';
import type { DeviceModels } from './device-models';
import type { Pair } from './pair';
import type { OpenedModel } from './subjects';

let workbench: LoriWorkbench;
const inside = () =>
  insideOf<{
    opened: { models: DeviceModels; runtime: Runtime };
    loaded: { pair: Pair };
    openedModel: OpenedModel;
  }>(workbench);
beforeEach(async () => {
  workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
});
afterEach(() => workbench.close());

async function teacherFiles(seed: number): Promise<NamedFile[]> {
  return filesOf(await tinyPair({ seed }), 'teacher');
}

const QUESTION = 'Tom has 12 apples. He buys 3 more. How many apples does Tom have?';
const CAUSAL: CausalRequest = {
  subject: { kind: 'teacher' },
  layers: [1],
  ranks: [2],
  positions: 'generated',
  centre: false,
  random: false,
  problems: 3,
  samples: 4,
  seed: 1,
} as CausalRequest;

it('uploads a model’s weights once per program, however often lens, decoding and causal test use them', async () => {
  const { models } = inside().opened;
  const { teacher } = inside().loaded.pair;
  const all = async (): Promise<void> => {
    await workbench.lens(figure6(3, 1));
    await workbench.causal(CAUSAL);
    await workbench.explicit(QUESTION);
  };
  await all();
  const first = models.traffic(teacher);
  // Programs: the states; reading a question, a step, the next token, for 1 sequence and for 3 problems, and
  // with a projection.
  expect(first).toMatchObject({ uploads: 0 });
  expect(first?.bakes).toBeGreaterThan(3);
  expect(first?.bakes).toBeLessThanOrEqual(8);
  await all();
  await workbench.lens({ ...figure6(3, 1), centre: true, seed: 2 });
  expect(models.traffic(teacher)).toEqual(first);
});

it('frees the first checkpoint when a second is opened, and the pair when it is loaded again', async () => {
  const { models, runtime } = inside().opened;
  const opened = { selections: [{ subject: { kind: 'opened' }, sections: ['text'] }] } as const;
  const look = () =>
    workbench.lens({ ...figure6(1, 1), ...opened, source: { kind: 'texts', texts: ['Tom has 12 apples.'] } });
  await workbench.openCheckpoint(await teacherFiles(5));
  const before = [runtime.liveTensors, runtime.programCount];
  await look();
  const { model } = inside().openedModel;
  expect(models.traffic(model)?.bakes).toBe(1);
  expect(runtime.programCount).toBe((before[1] as number) + 1);
  await workbench.openCheckpoint(await teacherFiles(6));
  expect(models.traffic(model)).toBeUndefined();
  expect([runtime.liveTensors, runtime.programCount]).toEqual(before);

  await workbench.explicit(QUESTION);
  await look();
  const { teacher } = inside().loaded.pair;
  expect(models.traffic(teacher)?.bakes).toBeGreaterThan(0);
  await workbench.loadPair('models');
  expect(models.traffic(teacher)).toBeUndefined();
  // The opened model stays.
  expect([runtime.liveTensors, runtime.programCount]).toEqual([before[0], (before[1] as number) + 1]);
});

it('frees a model that is closed while a call uses it when the call ends', async () => {
  const { models, runtime } = inside().opened;
  const { base } = inside().loaded.pair;
  const before = runtime.liveTensors;
  const held = models.use(base);
  held.layer(0);
  expect(models.use(base)).toBe(held);
  await held.release();
  await models.close(base);
  expect(runtime.liveTensors).toBeGreaterThan(before);
  // Used again by the call in progress: it belongs to that call alone.
  const again = models.use(base);
  again.layer(1);
  await again.release();
  await held.release();
  expect(runtime.liveTensors).toBe(before);
});
