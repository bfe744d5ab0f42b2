/**
 * `npm run fuzz -- --mutants 20000 --seed 7`: reads damaged checkpoints, manifests, run files, stored rows and links, and
 * reports the outcome; more than a second of processor time, or than 256 MB of memory, is a fault too. `--only 123` runs a single
 * mutant, `--target "PEFT adapter"` the mutants of one reader. A thread does the work, so that a mutant that hangs is reported
 * and skipped.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { sharedFolder } from '../tools/folders.mjs';
import { LIMIT, type Outcome, runMutant } from './fuzz';
import type { Bytes } from './mutate';
import { makeTargets } from './targets';
import { exceeds, measured, type Used, withinLimits } from './usage';

type Judged = Outcome & Used;

interface Job {
  readonly seed: number;
  readonly indices: readonly number[];
  /** Of the readers by name; all of them, if absent. */
  readonly target: string | undefined;
}

const STORIES = join(sharedFolder, 'checkpoints/stories260K');
const USED = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors'];

function stories(): ReadonlyMap<string, Bytes> | undefined {
  if (!existsSync(STORIES)) return undefined;
  const names = readdirSync(STORIES).filter((name) => USED.includes(name));
  return new Map(names.map((name) => [name, new Uint8Array(readFileSync(join(STORIES, name)))]));
}

async function work({ seed, indices, target }: Job): Promise<void> {
  const targets = (await makeTargets(stories())).filter(
    ({ name }) => target === undefined || name === target,
  );
  for (const index of indices) {
    parentPort?.postMessage({ start: index });
    const run = () => measured(() => runMutant(targets, seed, index));
    const first = await run();
    // The first to need the runtime pays for its start: what takes too much is given a second chance.
    const { value, used } = exceeds(first.used) === undefined ? first : await run();
    parentPort?.postMessage({ ...withinLimits(value, used), ...used } satisfies Judged);
  }
}

/** Runs a job in a thread, and the rest of it in another thread if a mutant hangs. */
async function supervise(
  seed: number,
  mutants: readonly number[],
  target: string | undefined,
  tell: (one: Judged) => void,
): Promise<void> {
  let left = [...mutants];
  while (left.length > 0) {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: { seed, indices: left, target } satisfies Job,
    });
    let current: number | undefined;
    const done = new Set<number>();
    const lost = (message: string) => {
      if (current === undefined) throw new Error(message);
      done.add(current);
      const nothing = { milliseconds: 0, cpu: 0, memory: null };
      tell({ index: current, target: 'unknown', kind: 'fault', message, ...nothing });
    };
    await new Promise<void>((resolve) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const wait = () => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          lost(`hangs: no answer within ${3 * LIMIT} ms`);
          void worker.terminate().then(() => resolve());
        }, 3 * LIMIT);
      };
      wait();
      worker.on('message', (message: { start: number } | Judged) => {
        wait();
        if ('start' in message) current = message.start;
        else {
          done.add(message.index);
          tell(message);
        }
      });
      worker.on('error', (error) => lost(`ended the thread: ${error.message}`));
      worker.on('exit', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    left = left.filter((index) => !done.has(index));
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      mutants: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
      target: { type: 'string' },
    },
  });
  const seed = Number(values.seed);
  const indices =
    values.only === undefined
      ? Array.from({ length: Number(values.mutants) }, (_, i) => i)
      : [Number(values.only)];
  const counts = new Map<string, Record<Outcome['kind'], number>>();
  const start = performance.now();
  const most = { milliseconds: 0, cpu: 0, memory: 0 };
  let faults = 0;
  await supervise(seed, indices, values.target, (one) => {
    const { index, target, kind, message } = one;
    const row = counts.get(target) ?? { read: 0, refused: 0, fault: 0 };
    counts.set(target, row);
    row[kind]++;
    for (const of of ['milliseconds', 'cpu', 'memory'] as const) most[of] = Math.max(most[of], one[of] ?? 0);
    if (kind === 'fault') faults++;
    if (kind === 'fault' || values.only !== undefined)
      console.log(`seed ${seed}, mutant ${index} (${target}), ${kind}: ${message}`);
  });
  console.table(Object.fromEntries(counts));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `${indices.length} mutants of seed ${seed} in ${seconds} s; of one at most ${Math.round(most.milliseconds)} ms, ${Math.round(most.cpu)} of processor time, and ${most.memory > 0 ? Math.round(most.memory / 1e6) : 'an unknown number of'} MB: ${faults} faults`,
  );
  // Threads of the inference runtime would keep the process alive.
  process.exit(faults > 0 ? 1 : 0);
}

if (isMainThread) await main();
else await work(workerData as Job);
