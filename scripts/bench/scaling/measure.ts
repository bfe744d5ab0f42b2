/** One point of `npm run bench:scaling` in a process of its own: `measure.ts <folder> <options as JSON> <steps>`; prints a line of JSON. */
import { megabytes, memoryTaken } from '../checkpoints/memory';
import { cpuSeconds, openStep, type StepOptions } from '../finetune/step';

/**
 * Seconds of a step, and MB at their peak: WebAssembly and buffers, which are what a page can be asked about, and what the process
 * took more than before the checkpoint was opened, code and what its allocator keeps included.
 */
export interface Point {
  readonly cpu: number;
  readonly wall: number;
  readonly programs: number;
  readonly memory: number;
  readonly rss: number;
  readonly needed: number;
}

const [folder = '', json = '{}', steps = '1'] = process.argv.slice(2);
const step = await openStep(folder, JSON.parse(json) as StepOptions);
const feeds = step.random();
let memory = 0;
const look = (): void => {
  const { heap, buffers } = memoryTaken();
  memory = Math.max(memory, heap + buffers);
};
look();
await step.run(feeds, 1e-3);
look();
const [cpu, wall] = [cpuSeconds(), performance.now()];
for (let i = 0; i < Number(steps); i++) await step.run(feeds, 1e-3);
const point: Point = {
  cpu: (cpuSeconds() - cpu) / Number(steps),
  wall: (performance.now() - wall) / 1000 / Number(steps),
  programs: step.programs,
  memory,
  rss: memoryTaken().peakRss - step.before,
  needed: megabytes(step.needed.all),
};
console.log(JSON.stringify(point));
process.exit(0);
