/**
 * Times the page's first run on two or more builds in alternation: from the press of the one button to the first training
 * step that is shown, and to the end. Each run has a fresh browser profile, so nothing is cached.
 *
 *     node scripts/bench/first-run.mjs [--runs 3] base=/path/to/dist head=dist
 *
 * The best run of each build is compared, because other work on the machine only ever adds time; the median is printed beside it.
 */
import { resolve } from 'node:path';
import { chromium } from 'playwright';
import { preview } from 'vite';
import { chromiumArgs, findChromium } from '../tools/find-chromium.mjs';
import { productionHeaders } from '../tools/headers.mjs';

const args = process.argv.slice(2);
const at = args.indexOf('--runs');
const runs = at < 0 ? 3 : Number(args.splice(at, 2)[1]);
const builds = args.map((arg) => arg.split('=', 2));
if (builds.length === 0 || builds.some(([, folder]) => !folder) || !(Number.isInteger(runs) && runs > 0)) {
  console.error('usage: node scripts/bench/first-run.mjs [--runs 3] name=folder-of-a-build …');
  process.exit(2);
}

/** Milliseconds that the page may take to appear, and that a run may take. */
const PATIENCE = 60_000;
const LIMIT = 240_000;

async function serve(folder) {
  const server = await preview({
    configFile: false,
    root: resolve(folder, '..'),
    build: { outDir: resolve(folder) },
    logLevel: 'warn',
    preview: { host: '127.0.0.1', port: 0, headers: productionHeaders },
  });
  return { server, url: server.resolvedUrls.local[0] };
}

/** Seconds to the first step and to the end. */
async function firstRun(url) {
  const browser = await chromium.launch({ executablePath: findChromium(), args: chromiumArgs });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
    await page.goto(url, { timeout: PATIENCE });
    const button = page.getByRole('button', { name: 'Run LoRi on 128 samples' });
    await button.waitFor({ timeout: PATIENCE });
    const times = page.evaluate(
      () =>
        new Promise((resolve) => {
          let from = 0;
          let step = null;
          const isTraining = () => /[1-9]\d* of \d+ steps/.test(document.body.textContent);
          const isDone = () =>
            [...document.querySelectorAll('button')].some((one) => one.textContent === 'Run it again');
          // While it is captured: the page's buttons let no click through.
          addEventListener(
            'click',
            () => {
              from ||= performance.now();
            },
            true,
          );
          const timer = setInterval(() => {
            if (from === 0) return;
            const now = (performance.now() - from) / 1000;
            if (step === null && isTraining()) step = now;
            if (!isDone()) return;
            clearInterval(timer);
            resolve({ step, end: now });
          }, 50);
        }),
    );
    await button.click();
    const told = await Promise.race([times, page.waitForTimeout(LIMIT)]);
    if (!told)
      throw new Error(`no end after ${LIMIT / 1000} s; the page says: ${await page.textContent('#root')}`);
    return told;
  } finally {
    await browser.close();
  }
}

const servers = [];
try {
  const found = new Map();
  for (const [name, folder] of builds) {
    servers.push({ name, ...(await serve(folder)) });
    found.set(name, []);
  }
  for (let i = 0; i < runs; i++)
    for (const { name, url } of servers) {
      const times = await firstRun(url);
      found.get(name).push(times);
      console.error(
        `${name} ${i + 1}: first step ${times.step?.toFixed(1)} s, end ${times.end.toFixed(1)} s`,
      );
    }
  const [[first]] = builds;
  for (const [part, title] of [
    ['step', 'to the first step'],
    ['end', 'to the end'],
  ]) {
    console.log(`\n| ${title} | best s | median s | best, of ${first} |\n|---|---|---|---|`);
    const sorted = (name) =>
      found
        .get(name)
        .map((times) => times[part] ?? Number.NaN)
        .sort((a, b) => a - b);
    for (const [name] of builds) {
      const times = sorted(name);
      const share = times[0] / sorted(first)[0];
      console.log(
        `| ${name} | ${times[0].toFixed(1)} | ${times[times.length >> 1].toFixed(1)} | ${share.toFixed(2)} |`,
      );
    }
  }
} finally {
  for (const { server } of servers) {
    // Otherwise a connection that a browser has left open holds the end up.
    server.httpServer.closeAllConnections();
    await server.close();
  }
}
