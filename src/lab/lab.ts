import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { METHODS, parseRunConfig, parseRunFile, type RunConfig, type RunFile } from '../contract/config';
import type { PairReport, RunEvent, StepEvent } from '../contract/events';
import { CONTROLS, SECTIONS, STACKS } from '../contract/lens';
import { PRESETS, type Preset } from '../contract/presets';
import { runtimeVersion } from '../engine/runtime/ort';
import { LoriWorkbench } from '../engine/session/workbench';
import { readJson } from '../text/json';
import { COMMANDS, type CommandName } from './commands';
import { accuracyText, LENS_ARGUMENTS, whole, wholes } from './options';

/**
 * The engine without the page: `npm run lab -- <lens|causal|distil|eval|step|bench> --config file.json --out file.json`.
 * The configuration is the page's own (a run file downloaded there, or a bare configuration); JSON comes out.
 */
const USAGE = `usage: npm run lab -- <${Object.keys(COMMANDS).join('|')}> [--config file.json] [--out file.json]
  [--preset id …] [--models folder] [--set path=value …] [--question text] [--samples n] [--threads n] [--quiet]
eval: [--seeds 100-109,115] [--presets a,b] [--baseline preset] [--resume]; prints a table as well; with --out the runs so far
  are saved after each one, and --resume continues from that file
lens: [--subject teacher|base|student[@step]|opened[:section,…] …] [--open folder] [--text text … | --ids train-1,…]
  [--layers 1,2] [--stack ${STACKS.join('|')}] [--centre] [--controls ${CONTROLS.join(',')}]
  [--tucker] [--trajectories tucker|pca] [--angles r]; sections: ${SECTIONS.join(', ')}
causal: [--subject …] [--open folder] [--layers 1,2] [--ranks 1,2,4] [--problems n] [--positions generated|all] [--centre]
  [--random]; a student is trained first, with the configuration`;

export interface Streams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** @throws an error whose message says what was wrong with the arguments, the files or the run */
export async function lab(argv: readonly string[], streams: Streams = process): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      out: { type: 'string' },
      models: { type: 'string', default: 'models' },
      preset: { type: 'string', multiple: true, default: [] },
      set: { type: 'string', multiple: true, default: [] },
      presets: { type: 'string' },
      seeds: { type: 'string' },
      baseline: { type: 'string' },
      resume: { type: 'boolean', default: false },
      question: { type: 'string' },
      samples: { type: 'string', default: '16' },
      threads: { type: 'string' },
      quiet: { type: 'boolean', default: false },
      ...LENS_ARGUMENTS,
    },
  });
  const name = positionals[0] ?? '';
  if (!Object.hasOwn(COMMANDS, name)) throw new Error(`unknown command ${JSON.stringify(name)}\n${USAGE}`);
  if (positionals.length > 1)
    throw new Error(`${JSON.stringify(positionals[1])} is one argument too many\n${USAGE}`);
  const command = COMMANDS[name as CommandName];

  const file = await readRunFile(values.config);
  const presets = presetsOf([...values.preset, ...(values.presets?.split(',') ?? [])]);
  const config = override(
    values.config === undefined ? (presets[0] as Preset).config : file.config,
    values.set,
  );
  // A configuration of one's own is run with every method; otherwise each method runs with its own preset.
  const contenders =
    values.config === undefined
      ? presets.map((preset) => ({ name: preset.id, config: override(preset.config, values.set) }))
      : METHODS.map((method) => ({ name: method, config: { ...config, method } }));
  const seeds = values.seeds === undefined ? [config.seed] : wholes('seeds', values.seeds);
  const samples = whole('samples', values.samples);
  // Said now rather than after the run.
  if (values.out !== undefined && !(await isFolder(dirname(resolve(values.out)))))
    throw new Error(
      `--out ${JSON.stringify(values.out)}; there is no folder ${dirname(resolve(values.out))}`,
    );
  const earlier = name === 'eval' ? await earlierFile(values.out, values.resume) : undefined;
  const workbench = new LoriWorkbench({
    crossOriginIsolated: true,
    runtimeVersion,
    fetch: fileFetch,
    ...(values.threads !== undefined && { threads: whole('threads', values.threads) }),
  });
  const say = (line: string): void => {
    if (!values.quiet) streams.stderr.write(`${line}\n`);
  };
  try {
    const device = await workbench.open('wasm');
    const pair = await workbench.loadPair(resolve(values.models));
    for (const line of differences(file, pair)) say(line);
    const { threads, provider } = device;
    const text = (result: Record<string, unknown>): string =>
      `${JSON.stringify({ command: name, provider, threads, ...result }, plain, 2)}\n`;
    const { table, ...result } = await command({
      workbench,
      pair,
      config,
      threads,
      contenders,
      seeds,
      baseline: values.baseline,
      earlier,
      save: async ({ table: _table, ...soFar }) => {
        if (values.out !== undefined) await replaceFile(values.out, text(soFar));
      },
      samples,
      question: values.question,
      lens: values,
      say,
      onEvent: (event) => progress(event, say),
    });
    const whole = text({ ...result, ...repeated(file, result) });
    if (values.out !== undefined) await replaceFile(values.out, whole);
    else streams.stdout.write(whole);
    // A table is for people: it goes where the JSON does not.
    if (table !== undefined) (values.out === undefined ? streams.stderr : streams.stdout).write(`${table}\n`);
  } finally {
    await workbench.close();
  }
}

/** The presets of these ids; all of them without any. */
function presetsOf(ids: readonly string[]): Preset[] {
  if (ids.length === 0) return [...PRESETS];
  return ids.map((id) => {
    const found = PRESETS.find((preset) => preset.id === id);
    if (!found)
      throw new Error(`--preset ${JSON.stringify(id)}; there are ${PRESETS.map((p) => p.id).join(', ')}`);
    return found;
  });
}

async function readRunFile(path: string | undefined): Promise<RunFile> {
  if (path === undefined) return parseRunFile({});
  let json: unknown;
  try {
    json = readJson(await readFile(path));
  } catch (cause) {
    throw new Error(`${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  return parseRunFile(json);
}

/** What differs between the weights a run file was made with and the ones loaded. */
function differences({ models }: RunFile, pair: PairReport): string[] {
  return pair.models
    .filter(({ name, sha256 }) => models[name] !== undefined && models[name] !== sha256)
    .map(({ name }) => `warning: ${name} is not the one the run file was made with; its losses will differ`);
}

/** How far the losses of this run are from those that were observed when the file was made; 0 is the same to the bit. */
function repeated({ observed }: RunFile, { steps }: { readonly steps?: unknown }): object {
  if (!observed || !Array.isArray(steps)) return {};
  const losses = (steps as readonly StepEvent[]).map((step) => step.losses.total);
  const compared = Math.min(losses.length, observed.losses.length);
  let largest = 0;
  for (let i = 0; i < compared; i++)
    largest = Math.max(largest, Math.abs((losses[i] as number) - (observed.losses[i] as number)));
  return { repeated: { compared, largestDifference: largest } };
}

/** What --out holds, with --resume. @throws an error where it would be overwritten, or cannot be read */
async function earlierFile(out: string | undefined, resume: boolean): Promise<unknown> {
  if (out === undefined) {
    if (resume) throw new Error('--resume continues from the file of --out; give --out');
    return undefined;
  }
  let text: string;
  try {
    text = await readFile(out, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`--out ${JSON.stringify(out)} cannot be read: ${(error as Error).message}`);
  }
  if (!resume)
    throw new Error(
      `--out ${JSON.stringify(out)} exists; --resume continues from it, or choose another name`,
    );
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`--resume: ${out} cannot be read as JSON: ${(error as Error).message}`);
  }
}

/** Written beside and then renamed, so that an interruption leaves the earlier file or the later one, never half. */
async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.part`, text);
  await rename(`${path}.part`, path);
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** `--set optimiser.steps=20`: the value is JSON where it parses, a text where not. */
function override(config: RunConfig, changes: readonly string[]): RunConfig {
  const copy = structuredClone(config) as Record<string, unknown>;
  for (const change of changes) {
    const [path = '', ...rest] = change.split('=');
    const keys = path.split('.');
    const last = keys.pop() as string;
    const parent = keys.reduce<unknown>(
      (at, key) => (isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined),
      copy,
    );
    if (rest.length === 0 || !isObject(parent) || !Object.hasOwn(parent, last))
      throw new Error(
        `--set ${JSON.stringify(change)}; path=value is expected, where path is a setting such as optimiser.steps`,
      );
    parent[last] = literal(rest.join('='));
  }
  return parseRunConfig(copy);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

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
    say(`${event.set} at ${event.step}: ${accuracyText(event.accuracy)}`);
  }
  if (event.kind === 'spectrum') {
    const { step, effectiveRank, stableRank, cosine } = event;
    say(
      `latents at ${step}: effective rank ${effectiveRank.toFixed(2)}, stable rank ${stableRank.toFixed(2)}, cosine ${cosine.toFixed(3)}`,
    );
  }
}
