/** One engine with one model in a browser of its own: what it says, how fast, in how much memory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright';
import { chromiumArgs, findChromium } from '../../../tools/find-chromium.mjs';
import { processesOf } from '../../browser-processes.mjs';
import { within } from '../../within.mjs';
import type { Opening, PageBench } from './page-bench';

/** Seconds for one call of a page. */
const LIMIT = 300;
/** Tokens that are not counted. */
const SKIPPED = 2;

declare const bench: PageBench;
declare const mark: (name: string) => Promise<void>;

export interface Measuring extends Opening {
  readonly page: string;
  /** For the page's file input. */
  readonly files: readonly string[];
  readonly prompt: readonly number[];
  readonly limit: number;
}

export interface Measured {
  readonly tokens: readonly number[];
  readonly logProbabilities: readonly number[];
  /** From opening the files to the first token, by the clock. */
  readonly firstToken: number;
  /** Of a second text, after its first two tokens. */
  readonly tokensPerSecond: number;
  readonly tokensPerCpuSecond: number;
  /** MB that the renderer, with its workers, has had at once: when both texts were there. */
  readonly peak: number;
}

/** @throws what the page throws, and where it does not answer in time */
export async function measureInBrowser(measuring: Measuring): Promise<Measured> {
  const profile = mkdtempSync(join(tmpdir(), 'bench-generate-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findChromium(),
    args: chromiumArgs,
  });
  try {
    const page = await context.newPage();
    const errors: string[] = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    const cpu = new Map<string, number>();
    await page.exposeFunction('mark', (name: string) => cpu.set(name, processesOf(profile).renderer.cpu));
    await page.goto(measuring.page);
    await page
      .waitForFunction(() => 'bench' in globalThis, undefined, { timeout: 30_000 })
      .catch(() => {
        throw new Error(`the page did not start: ${errors.join('; ') || 'no error was reported'}`);
      });
    if (measuring.files.length > 0) await page.locator('input').setInputFiles([...measuring.files]);
    const timed = await within(LIMIT, 'the text', page.evaluate(run, { ...measuring, skipped: SKIPPED }));
    const { peak } = processesOf(profile).renderer;
    const logProbabilities = await within(
      LIMIT,
      'reading the probabilities',
      page.evaluate(({ prompt, tokens }) => bench.logProbabilities(prompt, tokens), {
        prompt: measuring.prompt,
        tokens: timed.tokens,
      }),
    );
    const counted = measuring.limit - SKIPPED;
    return {
      tokens: timed.tokens,
      logProbabilities,
      firstToken: timed.firstToken,
      tokensPerSecond: counted / timed.seconds,
      tokensPerCpuSecond: counted / ((cpu.get('end') ?? 0) - (cpu.get('begin') ?? 0)),
      peak,
    };
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** In the page: a first text, from opening the files to its end, and a second one, which is timed. */
async function run({ prompt, limit, skipped, ...opening }: Measuring & { readonly skipped: number }) {
  const start = performance.now();
  let firstToken = 0;
  await bench.open(opening);
  await bench.generate(prompt, limit, () => {
    firstToken ||= (performance.now() - start) / 1000;
  });
  const tokens: number[] = [];
  let [from, to] = [0, 0];
  const marked: Promise<void>[] = [];
  await bench.generate(prompt, limit, (id) => {
    tokens.push(id);
    if (tokens.length === skipped) {
      from = performance.now();
      marked.push(mark('begin'));
    }
    if (tokens.length === limit) {
      to = performance.now();
      marked.push(mark('end'));
    }
  });
  if (tokens.length !== limit) throw new Error(`${tokens.length} tokens instead of ${limit}`);
  await Promise.all(marked);
  return { tokens, firstToken, seconds: (to - from) / 1000 };
}
