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
 *   --dist FOLDER   a production build; without it one is made
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { build, preview, runnerImport } from 'vite';
import { chromiumArgs, findChromium } from '../scripts/tools/find-chromium.mjs';
import { countSteps, startFrom } from './support/run-page.mjs';

const KINDS = {
  wasm: ['reload', 'close', 'crash', 'worker', 'browser'],
  // Only there does a run end with the GPU process.
  webgpu: ['gpu', 'reload', 'close', 'crash', 'worker', 'browser'],
};
const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '20' },
    every: { type: 'string', default: '5' },
    kinds: { type: 'string' },
    providers: { type: 'string', default: 'wasm,webgpu' },
    seed: { type: 'string', default: '1' },
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

/** Milliseconds for what a loaded machine takes a long time for. */
const LONG = 240_000;
/** Without a teacher every start is short; on a software adapter it takes few shaders and a small batch besides. */
const configOn = (provider) => ({
  version: 2,
  method: provider === 'webgpu' ? 'nocot' : 'ce',
  data: { samples: 8, validation: 0, heldOut: 0 },
  optimiser: { steps: 100_000, batch: provider === 'webgpu' ? 1 : 4 },
  observation: { every: 0 },
  keeping: { every },
});

/** mulberry32: the same kills for the same seed. */
let state = seed;
const random = () => {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};

const root = resolve(import.meta.dirname, '..');
const temporary = mkdtempSync(join(tmpdir(), 'kills-'));
const outDir = values.dist ? resolve(values.dist) : join(temporary, 'dist');
const common = { root, configFile: join(root, 'vite.config.ts'), logLevel: 'warn' };
if (!values.dist) await build({ ...common, build: { outDir, emptyOutDir: true } });
const server = await preview({ ...common, build: { outDir }, preview: { port: 0, host: '127.0.0.1' } });
const address = server.resolvedUrls?.local[0] ?? '';

/** A pair with random weights, for a software adapter that would take minutes for the shaders of a useful one. */
async function serveTinyPair(context) {
  const { module } = await runnerImport(join(root, 'src/engine/testing/tiny-pair.testing.ts'), {
    configFile: false,
    logLevel: 'error',
  });
  const files = await module.tinyPair(module.SMALLEST);
  await context.route('**/models/**', (route) => {
    const path = new URL(route.request().url()).pathname.replace(/^.*\/models\//, '');
    const bytes = files.get(path);
    return bytes ? route.fulfill({ body: Buffer.from(bytes) }) : route.fulfill({ status: 404 });
  });
}

/** A browser whose storage outlives it. */
class Browser {
  constructor(profile, provider) {
    this.profile = join(temporary, `${profile}-${provider}`);
    this.provider = provider;
    this.steps = countSteps();
  }

  async open() {
    if (!this.context) {
      this.context = await chromium.launchPersistentContext(this.profile, {
        executablePath: findChromium(),
        // Else a browser whose GPU process ends often goes on without one.
        args: [...chromiumArgs, '--disable-gpu-process-crash-limit'],
      });
      if (this.provider === 'webgpu') await serveTinyPair(this.context);
    }
    await this.steps.watch(this.context);
    this.page = await this.context.newPage();
    this.page.setDefaultTimeout(LONG);
    this.page.on('dialog', (dialog) => void dialog.accept().catch(() => {}));
    if (this.provider === 'webgpu' && !this.isChosen) {
      await this.page.goto(`${address}#/model`);
      await this.page.getByRole('radio', { name: 'WebGPU' }).click();
      await this.page.getByText(/swiftshader.*\(software\)/).waitFor();
      this.isChosen = true;
    }
    await this.page.goto(`${address}#/distil`);
    return this.page;
  }

  /** Ends the whole browser at once, as a power cut would. */
  async kill() {
    const closed = new Promise((done) => this.context.once('close', done));
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        if (line.includes(`--user-data-dir=${this.profile}`) && !line.includes('--type='))
          process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
    await closed;
    this.context = undefined;
  }

  async close() {
    await this.context?.close();
  }
}

/** Ends the run. @returns the page on which it is offered */
async function end(kind, browser) {
  const { page } = browser;
  if (kind === 'reload') {
    await page.reload();
    return page;
  }
  if (kind === 'worker') {
    const engine = page.workers().find((worker) => /\/host-[^/]*\.js/.test(worker.url()));
    // It closes before it can answer.
    void engine.evaluate(() => globalThis.close()).catch(() => {});
    return page;
  }
  if (kind === 'gpu') {
    const session = await browser.context.browser().newBrowserCDPSession();
    // It never returns: the process it is sent to is gone.
    void session.send('Browser.crashGpuProcess').catch(() => {});
    return page;
  }
  if (kind === 'crash') {
    const session = await browser.context.newCDPSession(page);
    const crashed = page.waitForEvent('crash');
    void session.send('Page.crash').catch(() => {});
    await crashed;
  }
  if (kind === 'browser') await browser.kill();
  else await page.close();
  return browser.open();
}

const resumeButton = (page) => page.getByRole('button', { name: /^Resume from step \d+$/ }).first();
const numberIn = (text) => Number(/\d+/.exec(text)?.[0]);

/** Kills the run `times` times. @returns the run file of what was trained in the end */
async function killAgainAndAgain(browser, kinds) {
  const rows = [];
  await startFrom(await browser.open(), configOn(browser.provider));
  let from = 0;
  for (let n = 1; n <= times; n++) {
    const kind = kinds[Math.floor(random() * kinds.length)];
    await browser.steps.reach(from + 1 + Math.floor(random() * 3 * every), LONG);
    await new Promise((done) => setTimeout(done, random() * 200));
    const page = await end(kind, browser);
    const button = resumeButton(page);
    await button.waitFor();
    const done = browser.steps.last;
    const offered = numberIn(await button.textContent());
    browser.steps.last = 0;
    await button.click();
    await browser.steps.reach(1, LONG);
    // A snapshot that was being written when the engine ended may have been finished since the offer was read.
    from = browser.steps.first - 1;
    const row = { n, kind, done, resumed: from, lost: done - from };
    rows.push(row);
    if (from < offered || row.lost > every || row.lost < 0) row.bad = `step ${offered} was offered`;
    console.log(
      `${String(n).padStart(3)} ${kind.padEnd(8)} after step ${done}: resumed from ${from}, ${row.lost} lost${row.bad ? `  BAD: ${row.bad}` : ''}`,
    );
  }
  return { rows, steps: await stopAndSave(browser) };
}

/** Stops the run. @returns its losses by step */
async function stopAndSave({ page, steps }, at = steps.last + 3) {
  await steps.reach(at, LONG);
  await page.getByRole('button', { name: 'Stop and keep' }).click();
  await page.getByText(/^Stopped\./).waitFor();
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download run file' }).click(),
  ]);
  const { observed } = JSON.parse(readFileSync(await file.path(), 'utf8'));
  return new Map(observed.steps.map((step, i) => [step, observed.losses[i]]));
}

/** Kills a run on the provider again and again. @returns whether nothing was torn, and no bit differs */
async function survives(provider) {
  const kinds = values.kinds?.split(',') ?? KINDS[provider];
  const [killed, quiet] = [new Browser('killed', provider), new Browser('quiet', provider)];
  try {
    const { rows, steps } = await killAgainAndAgain(killed, kinds);
    await killed.close();
    await startFrom(await quiet.open(), configOn(provider));
    const expected = await stopAndSave(quiet, Math.max(...steps.keys()) + 1);
    const differ = [...steps].filter(([step, loss]) => expected.get(step) !== loss).map(([step]) => step);
    const lost = rows.map((row) => row.lost);
    const bad = rows.filter((row) => row.bad);
    const counts = kinds.map((kind) => `${kind} ${rows.filter((row) => row.kind === kind).length}`);
    console.log(
      `${provider}: ${rows.length} kills (${counts.join(', ')}): ${bad.length} torn or too old; at most ${Math.max(...lost)} of ${every} steps lost, ${(lost.reduce((a, b) => a + b, 0) / lost.length).toFixed(1)} on average`,
    );
    console.log(
      `${provider}: ${steps.size} steps against a run that nothing ended: ${differ.length === 0 ? 'equal to the bit' : `${differ.length} losses differ, from step ${differ[0]} on`}`,
    );
    return bad.length === 0 && differ.length === 0;
  } finally {
    await killed.close().catch(() => {});
    await quiet.close().catch(() => {});
  }
}

let failed = false;
try {
  for (const provider of providers) if (!(await survives(provider))) failed = true;
} finally {
  await server.close();
  rmSync(temporary, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
