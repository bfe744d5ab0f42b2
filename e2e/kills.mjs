/**
 * Ends a run in progress in every way a browser can, again and again, and trains it on: `npm run bench:kills -- --times 100`.
 * After each end the page must offer the run from a snapshot that is whole and no more than k steps old; at the end the losses
 * must be, to the bit, those of a run that nothing ended.
 *
 *   --times n       kills on each provider (default 20)
 *   --providers a,b wasm, on the bundled pair, and webgpu, on a tiny one (default both)
 *   --every k       steps between two snapshots (default 5)
 *   --kinds a,b     of reload, close, crash, worker, browser, and on webgpu gpu, the GPU process (default all)
 *   --seed n        of the moments and kinds (default 1)
 *   --keep FOLDER   the browsers' profiles and what has been seen so far: the same command goes on from there
 *   --minutes n     with --keep: after the kill in progress, leaves the rest to the next call
 *   --dist FOLDER   a production build; without it one is made
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build, preview } from 'vite';
import { KINDS, KilledBrowser, LONG } from './support/killed-browser.mjs';
import { startFrom } from './support/run-page.mjs';

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '20' },
    every: { type: 'string', default: '5' },
    kinds: { type: 'string' },
    providers: { type: 'string', default: 'wasm,webgpu' },
    seed: { type: 'string', default: '1' },
    keep: { type: 'string' },
    minutes: { type: 'string' },
    dist: { type: 'string' },
  },
});
const [times, every, seed] = [values.times, values.every, values.seed].map(Number);
const providers = values.providers.split(',');
for (const provider of providers) {
  if (!KINDS[provider])
    throw new Error(`--providers ${provider}; there are ${Object.keys(KINDS).join(', ')}`);
  for (const kind of values.kinds?.split(',') ?? [])
    if (!KINDS[provider].includes(kind))
      throw new Error(`--kinds ${kind}; on ${provider} there are ${KINDS[provider].join(', ')}`);
}
if (values.minutes && !values.keep)
  throw new Error('--minutes goes with --keep FOLDER, where the rest is left');
const until = values.minutes ? Date.now() + 60_000 * Number(values.minutes) : Number.POSITIVE_INFINITY;

/** Without a teacher every start is short; on a software adapter it takes few shaders and a small batch besides. */
const configOn = (provider) => ({
  version: 2,
  method: provider === 'webgpu' ? 'nocot' : 'ce',
  data: { samples: 8, validation: 0, heldOut: 0 },
  optimiser: { steps: 100_000, batch: provider === 'webgpu' ? 1 : 4 },
  observation: { every: 0 },
  keeping: { every },
});

const root = resolve(import.meta.dirname, '..');
const temporary = mkdtempSync(join(tmpdir(), 'kills-'));
const kept = values.keep ? resolve(values.keep) : temporary;
mkdirSync(kept, { recursive: true });

const fileOf = (provider) => join(kept, `${provider}.json`);

/** What has been seen of a provider's run so far. */
function load(provider) {
  const file = fileOf(provider);
  const asked = { every, seed, kinds: values.kinds?.split(',') ?? KINDS[provider] };
  if (!existsSync(file)) return { asked, random: seed, rows: [], from: 0 };
  const seen = JSON.parse(readFileSync(file, 'utf8'));
  if (JSON.stringify(seen.asked) !== JSON.stringify(asked))
    throw new Error(`${file} is of ${JSON.stringify(seen.asked)}; ask for the same, or keep this elsewhere`);
  if (!seen.pending && !seen.losses)
    throw new Error(`${file} was left in the middle of a kill; begin with another folder`);
  return seen;
}

const save = (provider, seen) => writeFileSync(fileOf(provider), JSON.stringify(seen));

/** mulberry32: the same kills for the same seed. */
function draw(seen) {
  seen.random = (seen.random + 0x6d2b79f5) | 0;
  let t = Math.imul(seen.random ^ (seen.random >>> 15), 1 | seen.random);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

/** Serves the page where it was served before: what a browser keeps belongs to an address. */
async function serve() {
  const portFile = join(kept, 'port');
  const outDir = values.dist ? resolve(values.dist) : join(temporary, 'dist');
  const common = { root, configFile: join(root, 'vite.config.ts'), logLevel: 'warn' };
  if (!values.dist) await build({ ...common, build: { outDir, emptyOutDir: true } });
  const port = existsSync(portFile) ? Number(readFileSync(portFile, 'utf8')) : 0;
  const server = await preview({
    ...common,
    build: { outDir },
    preview: { port, strictPort: port > 0, host: '127.0.0.1' },
  });
  const address = server.resolvedUrls?.local[0] ?? '';
  writeFileSync(portFile, new URL(address).port);
  return { server, address };
}

const numberIn = (text) => Number(/\d+/.exec(text)?.[0]);

/** Waits for one to three intervals of steps, then ends the run somehow. */
async function kill(seen, browser) {
  const { kinds } = seen.asked;
  const kind = kinds[Math.floor(draw(seen) * kinds.length)];
  await browser.steps.reach(seen.from + 1 + Math.floor(draw(seen) * 3 * every), LONG);
  await new Promise((done) => setTimeout(done, draw(seen) * 200));
  const before = performance.now();
  const page = await browser.end(kind);
  // Else a run whose GPU was lost resumes by itself, three seconds later, while the offer is read.
  if (kind === 'gpu') await preventResuming(page);
  await resumeButton(page).waitFor();
  return { kind, done: browser.steps.last, offeredAfter: (performance.now() - before) / 1000 };
}

/** Until the run is said not to resume by itself: a second loss within a minute does that too. */
async function preventResuming(page) {
  const failure = page.getByRole('alert').filter({ hasText: 'The run failed' });
  const button = failure.getByRole('button', { name: 'Do not resume by itself' });
  const refused = failure.getByText('It does not resume by itself');
  const limit = Date.now() + LONG;
  while (Date.now() < limit && !(await refused.isVisible())) {
    if (await button.isVisible()) await button.click({ timeout: 1000 }).catch(() => {});
    await new Promise((done) => setTimeout(done, 20));
  }
}

const resumeButton = (page) => page.getByRole('button', { name: /^Resume from step \d+$/ }).first();

/** Trains on what was ended, and looks from which step it does. */
async function trainOn(seen, { page, steps }, { kind, done, offeredAfter }) {
  const button = resumeButton(page);
  const offered = numberIn(await button.textContent());
  steps.last = 0;
  await button.click();
  await steps.reach(1, LONG);
  // A snapshot that was being written when the engine ended may have been finished since the offer was read.
  seen.from = steps.first - 1;
  const row = { n: seen.rows.length + 1, kind, done, resumed: seen.from, lost: done - seen.from };
  seen.rows.push(row);
  if (seen.from < offered || row.lost > every || row.lost < 0) row.bad = `step ${offered} was offered`;
  console.log(
    `${String(row.n).padStart(3)} ${kind.padEnd(8)} after step ${done}: offered within ${offeredAfter.toFixed(1)} s, resumed from ${seen.from}, ${row.lost} lost${row.bad ? `  BAD: ${row.bad}` : ''}`,
  );
}

/** Kills the run until it has been `times` times. @returns whether there was time for it */
async function killAgainAndAgain(seen, browser) {
  const { provider } = browser;
  const page = await browser.open();
  if (seen.pending) {
    await resumeButton(page).waitFor();
    await trainOn(seen, browser, seen.pending);
  } else await startFrom(page, configOn(provider));
  while (seen.rows.length < times) {
    save(provider, { ...seen, pending: undefined });
    seen.pending = await kill(seen, browser);
    if (Date.now() > until) {
      save(provider, seen);
      return false;
    }
    await trainOn(seen, browser, seen.pending);
  }
  seen.losses = [...(await stopAndSave(browser))];
  save(provider, seen);
  return true;
}

/** Stops the run. @returns its losses by step */
async function stopAndSave({ page, steps }, at = steps.last + 3) {
  await steps.reach(at, LONG + 10_000 * (at - steps.last));
  await page.getByRole('button', { name: 'Stop and keep' }).click();
  await page.getByText(/^Stopped\./).waitFor();
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download run file' }).click(),
  ]);
  const { observed } = JSON.parse(readFileSync(await file.path(), 'utf8'));
  return new Map(observed.steps.map((step, i) => [step, observed.losses[i]]));
}

/** Kills a run on the provider again and again. @returns whether nothing was torn, and no bit differs; undefined: not yet */
async function survives(provider) {
  const browserIn = (folder, name) =>
    new KilledBrowser(join(folder, `${name}-${provider}`), address, provider);
  const [killed, quiet] = [browserIn(kept, 'killed'), browserIn(temporary, 'quiet')];
  const seen = load(provider);
  try {
    if (!seen.losses && !(await killAgainAndAgain(seen, killed))) {
      console.log(`${provider}: ${seen.rows.length} of ${times} kills; the same command goes on`);
      return undefined;
    }
    await killed.close();
    await startFrom(await quiet.open(), configOn(provider));
    const steps = new Map(seen.losses);
    const expected = await stopAndSave(quiet, Math.max(...steps.keys()) + 1);
    const differ = [...steps].filter(([step, loss]) => expected.get(step) !== loss).map(([step]) => step);
    return report(provider, seen, { steps: steps.size, differ });
  } finally {
    await killed.close().catch(() => {});
    await quiet.close().catch(() => {});
  }
}

/** @returns whether nothing was torn or too old, and no bit differs */
function report(provider, { rows, asked }, { steps, differ }) {
  const lost = rows.map((row) => row.lost);
  const bad = rows.filter((row) => row.bad);
  const counts = asked.kinds.map((kind) => `${kind} ${rows.filter((row) => row.kind === kind).length}`);
  const mean = lost.reduce((a, b) => a + b, 0) / lost.length;
  for (const line of [
    `${rows.length} kills (${counts.join(', ')}): ${bad.length} torn or too old; at most ${Math.max(...lost)} of ${every} steps lost, ${mean.toFixed(1)} on average`,
    `${steps} steps against a run that nothing ended: ${differ.length === 0 ? 'equal to the bit' : `${differ.length} losses differ, from step ${differ[0]} on`}`,
  ])
    console.log(`${provider}: ${line}`);
  return bad.length === 0 && differ.length === 0;
}

const { server, address } = await serve();
let failed = false;
try {
  for (const provider of providers) if ((await survives(provider)) === false) failed = true;
} finally {
  await server.close();
  rmSync(temporary, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
