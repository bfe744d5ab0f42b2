/** One point of `npm run bench:scaling` in a process of its own: `measure.ts <folder> <options as JSON> <steps>`; prints a line of JSON. */
import { megabytes, memoryTaken } from '../checkpoints/memory';
import { cpuSeconds, openStep, type StepOptions } from '../finetune/step';

/** Seconds of a step, and MB: what the process took more than before the checkpoint was opened, at its peak. */
export interface Point {
  readonly cpu: number;
  readonly wall: number;
  readonly programs: number;
  readonly memory: number;
  readonly needed: number;
}

const [folder = '', json = '{}', steps = '1'] = process.argv.slice(2);
const step = await openStep(folder, JSON.parse(json) as StepOptions);
const feeds = step.random();
await step.run(feeds, 1e-3);
const [cpu, wall] = [cpuSeconds(), performance.now()];
for (let i = 0; i < Number(steps); i++) await step.run(feeds, 1e-3);
const point: Point = {
  cpu: (cpuSeconds() - cpu) / Number(steps),
  wall: (performance.now() - wall) / 1000 / Number(steps),
  programs: step.programs,
  memory: memoryTaken().peakRss - step.before,
  needed: megabytes(step.needed.all),
};
console.log(JSON.stringify(point));
process.exit(0);
