/**
 * `npm run test:browser`: the tests in Chromium, in parts, two at a time, each with a browser of its own: one alone leaves most of a
 * core idle, because a software adapter compiles its shaders on one thread. Arguments go to vitest, in one run.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from './folders.mjs';

const PARTS = 6;
const LANES = 2;

const vitest = (args, options) =>
  spawn(
    process.execPath,
    [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'browser', ...args],
    {
      cwd: root,
      ...options,
    },
  );
const exitOf = (child) => new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)));

/** Runs one part, with its lines as they come, each behind the part's number. */
function run(part, lane) {
  const child = vitest([`--shard=${part}/${PARTS}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Each lane has a folder of its own for what vite prepares: two that write one would make each other reload.
    env: { ...process.env, LORI_LANE: String(lane), FORCE_COLOR: process.stdout.isTTY ? '1' : '0' },
  });
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => console.log(`${part}/${PARTS} ${line}`));
  return exitOf(child);
}

const given = process.argv.slice(2);
if (given.length > 0) process.exit(await exitOf(vitest(given, { stdio: 'inherit' })));

const parts = Array.from({ length: PARTS }, (_, i) => i + 1);
let failed = 0;
const lane = async (number) => {
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const code = await run(part, number);
    if (code !== 0) failed = code;
  }
};
await Promise.all(Array.from({ length: LANES }, (_, i) => lane(i + 1)));
process.exit(failed);
