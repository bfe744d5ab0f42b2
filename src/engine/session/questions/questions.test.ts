import { expect, it } from 'vitest';
import type { Runtime } from '../../runtime/runtime';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { tinyRun } from '../runs/tiny-run.testing';
import { LoriWorkbench } from '../workbench';

const QUESTION = 'Tom has 12 apples. He buys 3 more. How many apples does Tom have?';

it('a question that is refused leaves the open one its student, whatever number of steps it was asked for', async () => {
  const workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
  const run = tinyRun({ optimiser: { steps: 1 }, data: { heldOut: 0, validation: 0 } });
  await workbench.distil({ ...run, observation: { every: 0, samples: 1 } });
  const open = (question: string, steps: number) =>
    workbench.openQuestion({ question, student: 'trained', steps });
  const { session } = await open(QUESTION, 2);
  const { runtime } = (workbench as unknown as { opened: { runtime: Runtime } }).opened;
  await expect(open('apples '.repeat(200), 3)).rejects.toMatchObject({ code: 'input' });
  expect((await workbench.stepLatent(session)).step).toBe(1);
  const next = await open(QUESTION, 3);
  await expect(workbench.stepLatent(session)).rejects.toThrow(`question ${session} is not open any more`);
  expect((await workbench.stepLatent(next.session)).step).toBe(1);
  const live = runtime.liveTensors;
  await open(QUESTION, 3);
  expect(runtime.liveTensors).toBe(live);
  await workbench.close();
});
