import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseRunConfig, type RunConfig, runFileSchema } from '../contract/config';
import type { RunEvent } from '../contract/events';
import { runtimeVersion } from '../engine/runtime/ort';
import { LoriWorkbench } from '../engine/session/workbench';
import { COMMANDS, type CommandName } from './commands';

/**
 * The engine without the page: `npm run lab -- <spectra|distil|eval|step|bench> --config file.json --out file.json`.
 * The configuration is the page's own (a run file downloaded there, or a bare configuration); JSON comes out.
 */
const USAGE = `usage: npm run lab -- <${Object.keys(COMMANDS).join('|')}> [--config file.json] [--out file.json]
  [--models folder] [--set path=value …] [--seeds 1,2,3] [--question text] [--samples n] [--threads n] [--quiet]`;

async function main(argv: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      out: { type: 'string' },
      models: { type: 'string', default: 'models' },
      set: { type: 'string', multiple: true, default: [] },
      seeds: { type: 'string' },
      question: { type: 'string' },
      samples: { type: 'string', default: '16' },
      threads: { type: 'string' },
      quiet: { type: 'boolean', default: false },
    },
  });
  const name = positionals[0] as CommandName;
  const command = COMMANDS[name];
  if (!command) throw new Error(`unknown command ${JSON.stringify(positionals[0] ?? '')}\n${USAGE}`);

  const config = override(await readConfig(values.config), values.set);
  const workbench = new LoriWorkbench({
    crossOriginIsolated: true,
    runtimeVersion,
    fetch: fileFetch,
    ...(values.threads && { threads: Number(values.threads) }),
  });
  const say = (line: string): void => {
    if (!values.quiet) process.stderr.write(`${line}\n`);
  };
  try {
    const device = await workbench.open('wasm');
    await workbench.loadPair(resolve(values.models));
    const seeds = values.seeds?.split(',').map(Number) ?? [config.seed];
    const result = await command({
      workbench,
      config,
      seeds,
      samples: Number(values.samples),
      question: values.question,
      say,
      onEvent: (event) => progress(event, say),
    });
    const text = `${JSON.stringify({ command: name, provider: device.provider, threads: device.threads, ...result }, plain, 2)}\n`;
    if (values.out) await writeFile(values.out, text);
    else process.stdout.write(text);
  } finally {
    await workbench.close();
  }
}

async function readConfig(path: string | undefined): Promise<RunConfig> {
  if (path === undefined) return parseRunConfig({});
  const json: unknown = JSON.parse(await readFile(path, 'utf8'));
  const isRunFile = typeof json === 'object' && json !== null && 'kind' in json;
  return isRunFile ? runFileSchema.parse(json).config : parseRunConfig(json);
}

/** `--set optimiser.steps=20`: the value is JSON where it parses, a text where not. */
function override(config: RunConfig, changes: readonly string[]): RunConfig {
  const copy = structuredClone(config) as Record<string, unknown>;
  for (const change of changes) {
    const [path, ...rest] = change.split('=');
    const keys = (path as string).split('.');
    const last = keys.pop() as string;
    const parent = keys.reduce((at, key) => at[key] as Record<string, unknown>, copy);
    parent[last] = literal(rest.join('='));
  }
  return parseRunConfig(copy);
}

function literal(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** fetch for files of this machine. */
const fileFetch: typeof fetch = async (input) => {
  try {
    return new Response(new Uint8Array(await readFile(join(String(input)))));
  } catch (error) {
    return new Response(null, { status: 404, statusText: (error as Error).message });
  }
};

/** Typed arrays as plain lists. */
function plain(_key: string, value: unknown): unknown {
  return ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value;
}

function progress(event: RunEvent, say: (line: string) => void): void {
  if (event.kind === 'step' && (event.step % 25 === 0 || event.step === 1)) {
    const { step, steps, losses, milliseconds } = event;
    const terms = Object.entries(losses).map(([term, value]) => `${term} ${value.toPrecision(4)}`);
    say(`step ${step}/${steps}  ${terms.join('  ')}  ${milliseconds.toFixed(0)} ms`);
  }
  if (event.kind === 'evaluation') {
    const { correct, total, low, high } = event.accuracy;
    say(
      `${event.set} at ${event.step}: ${correct}/${total} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}] %`,
    );
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const { message, hint } = error as Error & { hint?: string };
  process.stderr.write(
    `${process.env.LORI_DEBUG ? (error as Error).stack : message}\n${hint ? `${hint}\n` : ''}`,
  );
  process.exitCode = 1;
});
