/**
 * A small trained checkpoint learns a task in the page, all of its weights: `npm run bench:learn -- <folder of stories260K>`.
 * Stories say how many of something there were; held-out ones are answered by the model as it was and as it has become.
 * Prints losses, both accuracies and seconds from the press of Start to the end; ends with an error if they are more than
 * --within 120, or if fewer than --least 0.6 of the answers are right. Options besides: --steps 120, --batch 8, --rate 2e-3.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { startFrom } from '../../../e2e/support/run-page.mjs';
import { chromiumArgs, findChromium } from '../../tools/find-chromium.mjs';
import { openAll, saved, serveBuild } from './in-page.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    steps: { type: 'string', default: '120' },
    batch: { type: 'string', default: '8' },
    rate: { type: 'string', default: '2e-3' },
    within: { type: 'string', default: '120' },
    least: { type: 'string', default: '0.6' },
  },
});
const [folder] = positionals;
if (!folder) throw new Error('usage: npm run bench:learn -- <folder of a checkpoint> [--steps 120] …');
const [steps, batch, rate, within, least] = ['steps', 'batch', 'rate', 'within', 'least'].map((key) =>
  Number(values[key]),
);

/** Short stories that say how many; a held-out story is never one of training. */
function rows() {
  const [names, things] = [
    ['Tom', 'Lily', 'Ben', 'Mia', 'Sam', 'Anna'],
    ['apples', 'balls', 'toys', 'cars'],
  ];
  return names.flatMap((name, i) =>
    things.flatMap((thing, j) =>
      Array.from({ length: 9 }, (_, k) => ({
        question: `${name} had ${k + 1} ${thing}. ${names[(i + j + k + 1) % 6]} liked the ${thing}. How many ${thing} were there?`,
        cot: `<<${k + 1}+0=${k + 1}>>`,
        answer: `${k + 1}`,
      })),
    ),
  );
}

const config = (count, learningRate) => ({
  version: 2,
  method: 'nocot',
  roles: { student: 'opened', teacher: 'self', data: 'opened' },
  data: { samples: 150, validation: 0, heldOut: 60 },
  training: { weights: 'full' },
  optimiser: { steps: count, batch, learningRate },
  observation: { every: 0 },
  keeping: { every: 0 },
});

const temporary = mkdtempSync(join(tmpdir(), 'bench-learn-'));
const data = join(temporary, 'rows.jsonl');
writeFileSync(
  data,
  rows()
    .map((row) => JSON.stringify(row))
    .join('\n'),
);
const { server, address } = await serveBuild(join(temporary, 'dist'));
const context = await chromium.launchPersistentContext(join(temporary, 'profile'), {
  executablePath: findChromium(),
  args: chromiumArgs,
});

/** Trains in the page. @returns its seconds, losses, and accuracy on the held-out rows */
async function train(page, count, learningRate) {
  const begun = performance.now();
  await startFrom(page, config(count, learningRate));
  const done = page.getByText(/^Done\./);
  // That of the run before goes first.
  await done.waitFor({ state: 'hidden' });
  await done.waitFor();
  const seconds = (performance.now() - begun) / 1000;
  const { observed } = JSON.parse(readFileSync(await saved(page, 'Download run file'), 'utf8'));
  return { seconds, losses: observed.losses, accuracy: observed.accuracy };
}

try {
  const page = await openAll(context, { address, folder, data, limit: 600_000 });
  // One step at a rate of next to nothing is the model as it was.
  const before = await train(page, 1, 1e-6);
  const { seconds, losses, accuracy } = await train(page, steps, rate);
  const percent = (share) => `${(100 * share).toFixed(0)} %`;
  console.log(
    `${steps} steps of ${batch}, all weights: loss ${losses[0].toFixed(3)} to ${losses.at(-1).toFixed(3)}; of 60 held-out stories ${percent(before.accuracy)} right as it was, ${percent(accuracy)} after; ${seconds.toFixed(1)} s from Start to the end`,
  );
  if (seconds > within || accuracy < least) process.exitCode = 1;
} finally {
  await context.close();
  await server.close();
  rmSync(temporary, { recursive: true, force: true });
}
