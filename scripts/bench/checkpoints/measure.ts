/**
 * Measures one checkpoint in this process, which prints a line of JSON: `measure.ts <folder> <lens|greedy|text|errors|sizes>
 * <threads> <f32|half|int8|int4>`.
 * Peak memory is the process's; `heap` is what WebAssembly has taken of its 4 GiB.
 */

import { generateDefaults } from '../../../src/contract/generate';
import { estimateMemory } from '../../../src/contract/memory';
import type { WeightStorage } from '../../../src/contract/weight-storage';
import { leftPad } from '../../../src/engine/data/batch';
import { Decoder } from '../../../src/engine/decode/decoder';
import { nextTokens } from '../../../src/engine/decode/readout';
import { runtimeVersion } from '../../../src/engine/runtime/ort';
import { createRuntime } from '../../../src/engine/runtime/runtime';
import { DeviceModels } from '../../../src/engine/session/models/device-models';
import { openModel } from '../../../src/engine/session/models/opened';
import { storedAs } from '../../../src/engine/session/models/weight-storage';
import { LoriWorkbench } from '../../../src/engine/session/workbench';
import { checkpointFiles, readBlob } from '../../../src/lab/subjects';
import { memoryTaken } from './memory';
import { lensOf, lensRequest } from './requests';

const [folder = '', what = 'lens', threads = '1', stored = 'f32'] = process.argv.slice(2);
const storage = stored as WeightStorage;
const clock = async <T>(run: () => Promise<T>): Promise<{ value: T; seconds: number; cpu: number }> => {
  const [start, used] = [performance.now(), process.cpuUsage()];
  const value = await run();
  const { user, system } = process.cpuUsage(used);
  return { value, seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 };
};
const rounded = ({ seconds, cpu }: { seconds: number; cpu: number }) => ({
  s: Number(seconds.toFixed(2)),
  cpu: Number(cpu.toFixed(2)),
});

const environment = { crossOriginIsolated: true, runtimeVersion, readBlob, threads: Number(threads) };
const files = await checkpointFiles(folder);

async function lens(): Promise<object> {
  const workbench = new LoriWorkbench(environment);
  await workbench.open('wasm');
  const opening = await clock(() => workbench.openCheckpoint(files));
  await workbench.storeWeights(storage);
  const opened = memoryTaken();
  const first = await clock(() => workbench.lens(lensRequest('Tom')));
  const tokens = first.value.selections[0]?.spectra.map(({ tokens: n }) => n);
  // Another text of the same length, so that no states are there yet.
  const again = await clock(() => workbench.lens(lensRequest('Ann')));
  return {
    open: rounded(opening),
    opened,
    tokens,
    first: rounded(first),
    again: rounded(again),
    ...memoryTaken(),
  };
}

async function greedy(): Promise<object> {
  const { model } = storedAs(await openModel(files, { readBlob }), storage);
  const runtime = await createRuntime({ provider: 'wasm', threads: Number(threads) });
  const models = new DeviceModels(runtime);
  const onDevice = models.use(model);
  const [question, more] = [32, 24];
  const shape = {
    config: onDevice.config,
    batch: 1,
    question,
    capacity: question + more + 1,
  };
  const decoder = new Decoder(onDevice, shape);
  const { ids, keyMask } = leftPad([Array.from({ length: question }, (_, i) => (i * 37) % 500)], question, 0);
  const prefill = await clock(() => decoder.begin(ids, keyMask));
  let state = prefill.value;
  const one = async (): Promise<void> => {
    const { ids: next } = await nextTokens(decoder, state);
    state = await decoder.step(state, { tokens: Array.from(next) });
  };
  const compile = await clock(one);
  const times: { seconds: number; cpu: number }[] = [];
  for (let i = 1; i < more; i++) times.push(await clock(one));
  const median = (of: 'seconds' | 'cpu'): number =>
    times.map((time) => time[of]).sort((a, b) => a - b)[times.length >> 1] as number;
  return {
    prefill: rounded(prefill),
    compile: rounded(compile),
    tokensPerSecond: Number((1 / median('seconds')).toFixed(2)),
    tokensPerCpuSecond: Number((1 / median('cpu')).toFixed(2)),
    bakes: models.traffic(model)?.bakes,
    ...memoryTaken(),
  };
}

/** The session's own text generation, twice: the second time shows what the first has left behind. */
async function text(): Promise<object> {
  const workbench = new LoriWorkbench(environment);
  await workbench.open('wasm');
  await workbench.openCheckpoint(files);
  await workbench.storeWeights(storage);
  const one = async (): Promise<object> => {
    const settings = { ...generateDefaults, limit: 24 };
    const request = { subject: { kind: 'opened' as const }, prompt: 'Tom has 12 apples', stop: [], settings };
    const made = await clock(() => workbench.generate(request));
    return { ...rounded(made), ...made.value.seconds, ...memoryTaken() };
  };
  return { first: await one(), second: await one(), third: await one() };
}

/** What fewer bits change, as the Model panel shows it. */
async function errors(): Promise<object> {
  const workbench = new LoriWorkbench(environment);
  await workbench.open('wasm');
  await workbench.openCheckpoint(files);
  await workbench.storeWeights(storage);
  const made = await clock(() => workbench.storageErrors());
  return { ...rounded(made), ...made.value, ...memoryTaken() };
}

/** Texts and tokens of each, ascending: WebAssembly gives nothing back. */
const SIZES = [
  [1, 4],
  [1, 16],
  [1, 64],
  [2, 64],
  [4, 64],
  [4, 128],
  [8, 128],
] as const;

/** The heap after lens requests of several sizes, beside what was estimated: as a share of it, at most 1.15. */
async function sizes(): Promise<object> {
  const workbench = new LoriWorkbench(environment);
  await workbench.open('wasm');
  await workbench.openCheckpoint(files);
  const report = await workbench.storeWeights(storage);
  const found: Record<string, object> = {};
  for (const [texts, tokens] of SIZES) {
    const read = await workbench.lens(lensOf(texts, tokens));
    const { heap } = memoryTaken();
    const longest = Math.max(...(read.selections[0]?.spectra.map((s) => s.tokens) ?? [tokens]));
    const purpose = { kind: 'see', sequences: texts, tokens: longest } as const;
    const { parts, total, kept } = estimateMemory(report, 'wasm', purpose);
    const estimated = (total + kept - parts.engine - parts.host) / 1e6;
    found[`${texts}x${longest}`] = {
      heap,
      estimated: Math.round(estimated),
      ratio: Number((heap / estimated).toFixed(2)),
    };
  }
  return found;
}

const MEASURED = { lens, greedy, text, errors, sizes };
console.log(JSON.stringify(await MEASURED[what as keyof typeof MEASURED]()));
process.exit(0);
