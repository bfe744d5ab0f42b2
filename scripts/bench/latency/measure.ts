/**
 * Times one checkpoint in this process and prints a line of JSON: `measure.ts <folder> <threads> <f32|half|int8|int4>`. A question of
 * 64 tokens is read, then K latents, the answer prompt and an answer, or a written chain of 60 tokens, the same prompt and answer. The
 * same decoder, one sequence, no end token, so that weights do not decide how long either takes. The answer to a chain is timed after
 * the question alone, with fewer keys to attend to: the chain looks a little faster than it is.
 */
import { median } from '../../../src/contract/statistics';
import type { WeightStorage } from '../../../src/contract/weight-storage';
import { leftPad } from '../../../src/engine/data/batch';
import { Decoder } from '../../../src/engine/decode/decoder';
import { greedy, prompted } from '../../../src/engine/decode/greedy';
import { reasonFrom } from '../../../src/engine/decode/reason';
import type { Reasoning } from '../../../src/engine/decode/reasoning';
import type { DecoderState } from '../../../src/engine/decode/state';
import type { Feedback } from '../../../src/engine/nn/feedback';
import { createRuntime } from '../../../src/engine/runtime/runtime';
import { DeviceModels } from '../../../src/engine/session/models/device-models';
import { openModel } from '../../../src/engine/session/models/opened';
import { storedAs } from '../../../src/engine/session/models/weight-storage';
import { checkpointFiles, readBlob } from '../../../src/lab/subjects';

const [folder = '', threads = '1', storage = 'f32'] = process.argv.slice(2);
const [QUESTION, CHAIN, PROMPT, ANSWER] = [64, 60, 4, 2];
const REPEATS = 3;

const opened = await openModel(await checkpointFiles(folder), { readBlob });
const { model } = storedAs(opened, storage as WeightStorage);
const onDevice = new DeviceModels(await createRuntime({ provider: 'wasm', threads: Number(threads) })).use(
  model,
);
const decoder = new Decoder(onDevice, {
  config: onDevice.config,
  batch: 1,
  question: QUESTION,
  capacity: QUESTION + CHAIN + PROMPT + ANSWER + 1,
});
const idAt = (i: number): number => 3 + ((i * 37) % 300);
const prompt = Array.from({ length: PROMPT }, (_, i) => idAt(i + 7));
const { ids, keyMask } = leftPad([Array.from({ length: QUESTION }, (_, i) => idAt(i))], QUESTION, 0);
const asked = await decoder.begin(ids, keyMask);

const answer = (state: DecoderState) =>
  prompted({ decoder, prompt }, state, (at) => greedy(decoder, at, { endIds: [], limit: ANSWER }));

async function latent(steps: number, feedback: Feedback): Promise<void> {
  const reasoning: Reasoning = { adapters: [], stages: [{ kind: 'latents', steps, feedback }] };
  const { state } = await reasonFrom(decoder, { state: asked, fed: 0 }, reasoning);
  await answer(state);
  state.dispose();
}

async function explicit(): Promise<void> {
  const chain = await greedy(decoder, asked, { endIds: [], limit: CHAIN });
  if (chain[0]?.length !== CHAIN) throw new Error(`${chain[0]?.length} tokens were written`);
}

/** Median milliseconds. */
async function timed(run: () => Promise<unknown>): Promise<number> {
  await run();
  const times: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return median(times);
}

const softmax: Feedback = { kind: 'softmax', temperature: 1 };
const hidden: Feedback = { kind: 'hidden' };
const reading = await timed(async () => (await decoder.begin(ids, keyMask)).dispose());
const [chain, answering] = [await timed(explicit), await timed(() => answer(asked))];
const figures: Record<string, number> = { explicit: reading + chain + answering };
for (const [name, feedback] of Object.entries({ softmax, hidden }))
  for (const steps of [5, 6])
    figures[`${name} ${steps}`] = reading + (await timed(() => latent(steps, feedback)));
console.log(JSON.stringify(figures));
process.exit(0);
