import { expect, it } from 'vitest';
import { momentOf } from '../../../contract/latents';
import type { Runtime } from '../../runtime/runtime';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { insideOf } from '../inside.testing';
import { tinyRun } from '../runs/tiny-run.testing';
import { LoriWorkbench } from '../workbench';

const QUESTION = 'Tom has 12 apples. He buys 3 more. How many apples does Tom have?';

it('a refused question leaves the open one unchanged, whatever its number of steps', async () => {
  const workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
  const run = tinyRun({ optimiser: { steps: 1 }, data: { heldOut: 0, validation: 0 } });
  await workbench.distil({ ...run, observation: { every: 0, samples: 1 } });
  const open = (question: string, steps: number) =>
    workbench.openQuestion({ question, student: 'trained', steps });
  const { session } = await open(QUESTION, 2);
  const { runtime } = insideOf<{ opened: { runtime: Runtime } }>(workbench).opened;
  await expect(open('apples '.repeat(200), 3)).rejects.toMatchObject({ code: 'input' });
  expect((await workbench.thought(momentOf(session, 1))).step).toBe(1);
  const next = await open(QUESTION, 3);
  await expect(workbench.thought(momentOf(session, 1))).rejects.toThrow(
    `question ${session} is no longer open`,
  );
  expect((await workbench.thought(momentOf(next.session, 1))).step).toBe(1);
  const live = runtime.liveTensors;
  await open(QUESTION, 3);
  expect(runtime.liveTensors).toBe(live);
  await workbench.close();
});

it('refuses a diverged student without leaving anything on the device', async () => {
  const workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
  const run = tinyRun({ optimiser: { steps: 1 }, data: { heldOut: 0, validation: 0 } });
  await workbench.distil({ ...run, observation: { every: 0, samples: 1 } });
  const { opened, student } = insideOf<{
    opened: { runtime: Runtime };
    student: { packs: readonly Float32Array[] };
  }>(workbench);
  for (const pack of student.packs) pack.fill(Number.NaN);
  const open = () => workbench.openQuestion({ question: QUESTION, student: 'trained', steps: 2 });
  await expect(open()).rejects.toThrow('not finite');
  const live = opened.runtime.liveTensors;
  await expect(open()).rejects.toThrow('not finite');
  expect(opened.runtime.liveTensors).toBe(live);
  await workbench.close();
});

it('steps the base with the requested K and feedback, and shows the tokens of the fed mixture', async () => {
  const workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
  const ask = async (filter: 'softmax' | 'hidden', temperature: number) => {
    const session = await workbench.openQuestion({
      question: QUESTION,
      student: 'base',
      steps: 2,
      latent: { filter, temperature },
    });
    expect(session).toMatchObject({ latentSteps: 2, filter, ...(filter === 'softmax' && { temperature }) });
    const thoughts = [
      (await workbench.thought(momentOf(session.session, 1))).fed,
      (await workbench.thought(momentOf(session.session, 2))).fed,
    ];
    await expect(workbench.thought(momentOf(session.session, 3))).rejects.toThrow('thought 3; there are 2');
    return { thoughts, answer: await workbench.answer(momentOf(session.session, 2)) };
  };
  const plain = await ask('softmax', 1);
  const sharp = await ask('softmax', 0.25);
  const hidden = await ask('hidden', 0.25);
  const top = (asked: typeof plain) => asked.thoughts[0]?.top ?? [];
  const [one, four] = [top(plain), top(sharp)];
  // The same state before both: softmax(logits/τ) has the ratios of softmax(logits) to the power of 1/τ.
  expect(four.map(({ id }) => id)).toEqual(one.map(({ id }) => id));
  const ratio = (of: typeof one, i: number): number => (of[0]?.probability ?? 0) / (of[i]?.probability ?? 0);
  for (const i of [1, 7]) {
    expect(ratio(one, i)).toBeGreaterThan(1.001);
    expect(Math.log(ratio(four, i)) / Math.log(ratio(one, i))).toBeCloseTo(4, 2);
  }
  expect(sharp.thoughts[0]?.entropy).toBeLessThan(plain.thoughts[0]?.entropy as number);
  // A different mixture is fed, so that the next thought differs.
  expect(sharp.thoughts[1]?.top).not.toEqual(plain.thoughts[1]?.top);
  // No mixture is fed here: the tokens are the head's reading of the state.
  expect(hidden.thoughts[0]?.top).toEqual(one);
  expect(hidden.thoughts[1]?.top).not.toEqual(plain.thoughts[1]?.top);
  // The first token of an answer is always of softmax(logits).
  const shares = sharp.answer.top.reduce((sum, { probability }) => sum + probability, 0);
  expect(shares).toBeLessThanOrEqual(1 + 1e-6);
  await expect(ask('softmax', 0)).rejects.toThrow(
    'temperature 0; a number above 0 and up to 100 is expected',
  );
  await workbench.close();
});

it('steps through each student on the weights it was trained on, however they are stored', async () => {
  const files = await tinyPair();
  const workbench = new LoriWorkbench(tinyEnvironment(files));
  await workbench.open('wasm');
  await workbench.loadPair('models');
  await workbench.openCheckpoint(
    ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors'].map((name) => ({
      name,
      data: new Blob([files.get(`base/${name}`) as Uint8Array<ArrayBuffer>]),
    })),
  );
  const train = () =>
    workbench.distil({
      ...tinyRun({ optimiser: { steps: 1 }, data: { heldOut: 0, validation: 0 } }),
      roles: { student: 'opened', teacher: 'self', data: 'bundled' },
      observation: { every: 0, samples: 1 },
    });
  const stepped = async () => {
    await workbench.openQuestion({ question: QUESTION, student: 'trained' });
    const { questions } = insideOf<{
      questions: { stepper: { decoder: { model: { config: { storage?: string } } } } };
    }>(workbench);
    return questions.stepper.decoder.model.config.storage;
  };
  await train();
  expect(await stepped()).toBeUndefined();
  await workbench.storeWeights('int8');
  await train();
  expect(await stepped()).toBe('int8');
  await workbench.close();
});
