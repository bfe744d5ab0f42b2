/**
 * Distils one checkpoint in this process, which prints a line of JSON: `measure.ts <folder> <options as JSON>`. The rows are
 * word problems whose questions have about as many tokens as asked for. Peak memory is the process's; `heap` is what
 * WebAssembly has taken of its 4 GiB.
 */
import { parseRunConfig } from '../../../src/contract/config';
import { AS_DETECTED } from '../../../src/contract/data';
import type { Progress } from '../../../src/contract/events';
import { inHeap } from '../../../src/contract/memory';
import { runtimeVersion } from '../../../src/engine/runtime/ort';
import { LoriWorkbench } from '../../../src/engine/session/workbench';
import { checkpointFiles, readBlob } from '../../../src/lab/subjects';
import { megabytes, memoryTaken } from '../checkpoints/memory';
import { cpuSeconds } from '../finetune/step';
import type { Options } from './options';
import { rowsOf, tokensOf } from './rows';

const [folder = '', json = '{}'] = process.argv.slice(2);
const options = JSON.parse(json) as Options;
const { method, batch, samples, steps, question, latents, threads, storage, changes } = options;
const rounded = (x: number): number => Number(x.toFixed(2));

const rows = rowsOf(samples + 1, question);

const workbench = new LoriWorkbench({
  ...{ crossOriginIsolated: true, runtimeVersion, readBlob },
  threads,
});
await workbench.open('wasm');
const model = await workbench.openCheckpoint(await checkpointFiles(folder));
await workbench.storeWeights(storage);
await workbench.openData([{ name: 'rows.json', data: new Blob([JSON.stringify(rows)]) }], AS_DETECTED);
const config = parseRunConfig({
  method,
  roles: { student: 'opened', teacher: 'self', data: 'opened' },
  data: { samples, validation: 0, heldOut: 0 },
  ...(method === 'nocot' || method === 'cot-sft' ? {} : { latent: { steps: latents } }),
  optimiser: { steps, batch },
  evaluation: { every: 0 },
  observation: { every: 0 },
  ...changes,
});
const { memory, composition } = await workbench.runCost(config);
const { heap: heapBefore } = memoryTaken();
/** Between two steps: the snapshots that are written are left out. */
let buffers = 0;
const phases = new Map<Progress['phase'], Progress>();
const milliseconds: number[] = [];
/** CPU seconds when a step ended. */
const ended: number[] = [];
const started = cpuSeconds();
const result = await workbench.distil(config, {
  report: (event) => {
    if (event.kind === 'progress') phases.set(event.progress.phase, event.progress);
    if (event.kind !== 'step') return;
    milliseconds.push(event.milliseconds);
    ended.push(cpuSeconds());
    buffers = Math.max(buffers, memoryTaken().buffers);
  },
});
const cpu = cpuSeconds() - started;
const median = (some: readonly number[]): number | undefined =>
  [...some].sort((a, b) => a - b)[some.length >> 1];
const warm = median(milliseconds.slice(1));
const factors = phases.get('factors');
console.log(
  JSON.stringify({
    parameters: model.parameters,
    trainable: result.trainable,
    tokens: Math.max(...rows.map((row) => tokensOf(row.question))),
    secondsOfTeacher: rounded(result.seconds.teacher),
    secondsOfFactors: rounded((factors?.elapsed ?? 0) / 1000),
    secondsOfCompiling: rounded(result.seconds.compile),
    firstStep: rounded((milliseconds[0] ?? 0) / 1000),
    secondsAStep: rounded((warm ?? milliseconds[0] ?? 0) / 1000),
    cpuAStep: rounded(median(ended.slice(1).map((at, i) => at - (ended[i] ?? at))) ?? 0),
    cpu: rounded(cpu),
    composition,
    programs: result.programs,
    estimatedInHeap: megabytes(inHeap(memory)),
    estimatedKept: megabytes(memory.kept),
    estimatedOutside: megabytes(memory.parts.host),
    heapBefore,
    ...memoryTaken(),
    buffers,
  }),
);
process.exit(0);
