/**
 * `npm run bench:latents [-- --models models --threads 1 --problems 200 --repeats 9]`: what stepping costs on the
 * student of the default preset, on WASM in Node, by the clock and by processor time, against the bounds: a step ≤ 50 ms, an intervention with its
 * tail replayed, both answers and their divergence ≤ 150 ms (medians, after one that compiles), the test of the thoughts on 200
 * problems under every condition ≤ 3 minutes. The student is trained for ten steps: its adapters and its number of thoughts are those
 * of any other, and it writes answers at least as long. The clock also counts what else the machine does. What the report costs by problems is counted in passes: src/engine/session/thought-test/report.test.ts.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseRunConfig } from '../../../src/contract/config';
import { readInterventions } from '../../../src/contract/intervention-text';
import { momentOf } from '../../../src/contract/latents';
import { PRESETS } from '../../../src/contract/presets';
import { median } from '../../../src/contract/statistics';
import { runtimeVersion } from '../../../src/engine/runtime/ort';
import { LoriWorkbench } from '../../../src/engine/session/workbench';
import { fileFetch } from '../../../src/lab/lab';
import { readBlob } from '../../../src/lab/subjects';

const { values } = parseArgs({
  options: {
    models: { type: 'string', default: 'models' },
    threads: { type: 'string', default: '1' },
    problems: { type: 'string', default: '200' },
    repeats: { type: 'string', default: '9' },
  },
});
const repeats = Number(values.repeats);
const workbench = new LoriWorkbench({
  ...{ crossOriginIsolated: true, runtimeVersion, readBlob, fetch: fileFetch },
  threads: Number(values.threads),
});
await workbench.open('wasm');
await workbench.loadPair(resolve(values.models));
const { config } = PRESETS[0] as (typeof PRESETS)[number];
await workbench.distil(
  parseRunConfig({
    ...config,
    optimiser: { ...config.optimiser, steps: 10 },
    data: { ...config.data, validation: 0, heldOut: 1 },
    ...{ evaluation: { every: 0 }, observation: { every: 0 } },
  }),
);
const [problem] = await workbench.problems('held-out', 0, 1);
const question = problem?.question ?? '';
const { session, latentSteps: K } = await workbench.openQuestion({ question, student: 'trained' });

interface Took {
  /** Milliseconds. */
  readonly wall: number;
  readonly cpu: number;
}

async function timed(work: () => Promise<unknown>): Promise<Took> {
  const [cpu, wall] = [process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { wall: performance.now() - wall, cpu: (user + system) / 1000 };
}

function say(what: string, took: Took, bound: number): void {
  const seconds = (ms: number): string => (ms < 2000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(1)} s`);
  const verdict = (ms: number): string => (ms <= bound ? 'within' : 'ABOVE');
  console.log(
    `${what.padEnd(66)} ${seconds(took.wall).padStart(9)} by the clock (${verdict(took.wall)} ${seconds(bound)}), ${seconds(took.cpu).padStart(9)} of processor time (${verdict(took.cpu)})`,
  );
}

const middle = (all: readonly Took[]): Took => ({
  wall: median(all.map(({ wall }) => wall)),
  cpu: median(all.map(({ cpu }) => cpu)),
});

/** Every one with another seed or factor, so that its branch is a new one. */
const CASES: readonly (readonly [what: string, text: (i: number) => string])[] = [
  ['z1, the whole tail replayed', (i) => `z1:noise(${i})`],
  [`z${K}, the last thought`, (i) => `z${K}:scale(${1 + i / 8})`],
  ['a state inside layer 2 at z2', (i) => `z2@residual.2:noise(${i})`],
  ['a token of the question, which is read again', (i) => `q3@residual.1:noise(${i})`],
  ['a token of the answer’s prompt', (i) => `p1@residual.1:scale(${2 + i / 8})`],
];

const steps: Took[] = [];
for (let i = 0; i <= repeats; i++)
  for (let t = 1; t <= K; t++) {
    const moment = momentOf(session, t, readInterventions(`z1:scale(${1 + i / 16})`));
    const took = await timed(() => workbench.thought(moment));
    if (i > 0) steps.push(took);
  }
console.log(
  `student of ${config.method} on the bundled base, ${K} thoughts, ${values.threads} thread(s), WASM in Node`,
);
say('a step, with everything that is read out of it', middle(steps), 50);
for (const [what, text] of CASES) {
  const tried: Took[] = [];
  for (let i = 0; i <= repeats; i++) {
    const after = momentOf(session, K, readInterventions(text(i + 1)));
    const took = await timed(() => workbench.compareAnswers({ before: momentOf(session, K), after }));
    if (i > 0) tried.push(took);
  }
  say(`an intervention: ${what}`, middle(tried), 150);
}
const problems = Number(values.problems);
const report = await timed(async () => {
  const { points } = await workbench.testThoughts({
    ...{ subject: { kind: 'student' }, source: { kind: 'held-out' }, problems, seed: 1 },
    ranks: [1, 2, 4, 8, 16],
  });
  console.log(`the test of the thoughts: ${points.length} conditions`);
});
say(`on ${problems} problems`, report, 180_000);
await workbench.close();
process.exit(0);
