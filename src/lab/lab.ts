import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { PairReport, RunEvent, StepEvent } from '../contract/events';
import { meanLength } from '../contract/lengths';
import { METHODS } from '../contract/methods/index';
import type { Methods } from '../contract/methods/method';
import type { RunFile } from '../contract/run-file';
import { RECIPES } from '../engine/methods/index';
import type { Recipe } from '../engine/recipes/shared/recipe';
import { runtimeVersion } from '../engine/runtime/ort';
import { LoriWorkbench } from '../engine/session/workbench';
import { plainArrays } from '../text/json';
import { COMMANDS, type CommandName } from './commands';
import { configurationOf } from './configuration';
import { asksForItems } from './evaluation';
import { help, USAGE } from './help';
import { checkAsked, keptIn } from './keep';
import { accuracyText, hasOption, OPTIONS, optionTexts, whole, wholes } from './options';
import { sayData } from './roles';
import { readingOf } from './source';
import { readBlob } from './subjects';

/**
 * The engine without the page: `npm run lab -- <command> --config file.json --out file.json`; `--help` lists everything.
 * The configuration is the page's own (a run file downloaded there, or a bare configuration); JSON comes out.
 */

export interface Streams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** The methods that can be trained: their data and recipes. */
export interface Registry {
  readonly methods: Methods;
  readonly recipes: Readonly<Record<string, Recipe>>;
}

/** @throws an error whose message says what was wrong with the arguments, the files or the run */
export async function lab(
  argv: readonly string[],
  streams: Streams = process,
  { methods, recipes }: Registry = { methods: METHODS, recipes: RECIPES },
): Promise<void> {
  const { values, positionals, tokens } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: OPTIONS,
    tokens: true,
  });
  const name = positionals[0] ?? '';
  const isCommand = Object.hasOwn(COMMANDS, name);
  if (values.help && (isCommand || name === '')) {
    streams.stdout.write(help(methods, isCommand ? (name as CommandName) : undefined));
    return;
  }
  if (!isCommand) throw new Error(`unknown command ${JSON.stringify(name)}\n${USAGE}`);
  // A flag of eval, which distil takes with a folder: parseArgs knows no option that is both.
  const resumed = name === 'distil' && values.resume ? valueOf('resume', tokens) : undefined;
  if (positionals.length > (resumed === undefined ? 1 : 2))
    throw new Error(`${JSON.stringify(positionals[1])} is one argument too many\n${USAGE}`);
  for (const token of tokens)
    if (token.kind === 'option' && !hasOption(name, token.name))
      throw new Error(
        `--${token.name} is not an option of ${name} but of ${optionTexts[token.name]?.commands?.join(' and ')}`,
      );
  const command = COMMANDS[name as CommandName];

  const preset = [...values.preset, ...(values.presets?.split(',') ?? [])];
  if (name === 'arena' && (values.config !== undefined || values.preset.length > 0))
    throw new Error('arena trains what its plan or ablation says: --config and --preset do not apply');
  // For an arena, `--set` applies to every contender.
  const set = name === 'arena' ? [] : values.set;
  const compares = name === 'eval' && !asksForItems(values);
  const read = await configurationOf({ ...values, preset, set }, methods, compares);
  const { file, contenders, notes } = read;
  const kept = values.kept === undefined ? undefined : await keptIn(values.kept, methods, 'kept');
  if (kept && hasSettings(values)) checkAsked(read.config, kept.config, 'kept');
  const config = kept?.config ?? read.config;
  const seeds = values.seeds === undefined ? [config.seed] : wholes('seeds', values.seeds);
  const samples = whole('samples', values.samples);
  // Checked now rather than after the run.
  readingOf(values);
  for (const option of ['out', 'csv', 'html', 'left-out'] as const) {
    const path = values[option];
    if (path !== undefined && !(await isFolder(dirname(resolve(path)))))
      throw new Error(`--${option} ${JSON.stringify(path)}; there is no folder ${dirname(resolve(path))}`);
  }
  const earlier =
    name === 'eval' || name === 'search' ? await earlierFile(values.out, values.resume) : undefined;
  const environment = {
    crossOriginIsolated: true,
    runtimeVersion,
    fetch: fileFetch,
    readBlob,
    ...(values.threads !== undefined && { threads: whole('threads', values.threads) }),
  };
  const workbench = new LoriWorkbench(environment, recipes, methods);
  const say = (line: string): void => {
    if (!values.quiet) streams.stderr.write(`${line}\n`);
  };
  try {
    const device = await workbench.open('wasm');
    const pair = await workbench.loadPair(resolve(values.models));
    for (const line of [...notes, ...(file ? differences(file, pair) : [])]) say(line);
    const { threads, provider } = device;
    const text = (result: Record<string, unknown>): string =>
      `${JSON.stringify({ command: name, provider, threads, ...result }, plainArrays, 2)}\n`;
    const {
      table,
      file: made,
      ...result
    } = await command({
      workbench,
      pair,
      config,
      methods,
      threads,
      contenders,
      seeds,
      isSeeded: values.seeds !== undefined,
      baseline: values.baseline,
      evaluation: values,
      chosen: { preset },
      earlier,
      save: async ({ table: _table, ...soFar }) => {
        if (values.out !== undefined) await replaceFile(values.out, text(soFar));
      },
      kept,
      samples,
      question: values.question,
      stepping: values,
      html: values.html,
      plan: values.plan,
      space: values.space,
      ablation: values.ablation,
      lens: values,
      generation: values,
      exported: values,
      keeping: { keep: values.keep, resume: resumed, isAsked: hasSettings(values) },
      training: values,
      file,
      out: values.out,
      say,
      write: (piece) => {
        if (!values.quiet) streams.stderr.write(piece);
      },
      onEvent: (event) => progress(event, say),
    });
    const whole = text({ ...result, ...(file && repeated(file, result)) });
    if (made instanceof Blob && values.out !== undefined) {
      await replaceFile(values.out, made.stream());
      streams.stdout.write(whole);
    } else if (values.out !== undefined) await replaceFile(values.out, whole);
    else streams.stdout.write(whole);
    // The table is for people: it goes wherever the JSON does not.
    if (table !== undefined) (values.out === undefined ? streams.stderr : streams.stdout).write(`${table}\n`);
  } finally {
    await workbench.close();
  }
}

/** What differs between the weights a run file was made with and the ones loaded. */
function differences({ models }: RunFile, pair: PairReport): string[] {
  return pair.models
    .filter(({ name, sha256 }) => models[name] !== undefined && models[name] !== sha256)
    .map(({ name }) => `warning: ${name} is not the one the run file was made with; its losses will differ`);
}

/**
 * The largest difference between this run's losses and those in the file, at the steps recorded in the file;
 * 0 means equal to the bit.
 */
function repeated({ observed }: RunFile, { steps }: { readonly steps?: unknown }): object {
  if (!observed || !Array.isArray(steps)) return {};
  const losses = new Map((steps as readonly StepEvent[]).map((step) => [step.step, step.losses.total]));
  let [compared, largest] = [0, 0];
  observed.steps.forEach((step, i) => {
    const loss = losses.get(step);
    if (loss === undefined) return;
    compared++;
    largest = Math.max(largest, Math.abs(loss - (observed.losses[i] as number)));
  });
  return { repeated: { compared, largestDifference: largest } };
}

/** Whether a configuration is given. */
const hasSettings = (given: {
  readonly config?: string | undefined;
  readonly preset: readonly string[];
  readonly set: readonly string[];
}): boolean => given.config !== undefined || given.preset.length > 0 || given.set.length > 0;

/** The value that follows a flag. @throws an error if there is none */
function valueOf(flag: string, tokens: readonly { readonly kind: string; readonly index: number }[]): string {
  const at = tokens.findIndex((token) => 'name' in token && token.name === flag);
  const next = tokens[at + 1] as { readonly kind: string; readonly value?: string } | undefined;
  if (next?.kind !== 'positional' || next.value === undefined)
    throw new Error(`--${flag} takes a folder here: the one that --keep wrote`);
  return next.value;
}

/** The contents of --out, with --resume. @throws an error if it would be overwritten, or cannot be read */
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

/** Writes a temporary file and renames it, so that an interruption leaves the old file or the new one, never half. */
async function replaceFile(path: string, text: string | ReadableStream): Promise<void> {
  await writeFile(`${path}.part`, text as Parameters<typeof writeFile>[1]);
  await rename(`${path}.part`, path);
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** `fetch` for local files. */
export const fileFetch: typeof fetch = async (input) => {
  try {
    return new Response(new Uint8Array(await readFile(join(String(input)))));
  } catch (error) {
    return new Response(null, { status: 404, statusText: (error as Error).message });
  }
};

function progress(event: RunEvent, say: (line: string) => void): void {
  if (event.kind === 'step' && (event.step % 25 === 0 || event.step === 1)) {
    const { step, steps, losses, milliseconds } = event;
    const terms = Object.entries(losses).map(([term, value]) => `${term} ${value.toPrecision(4)}`);
    say(`step ${step}/${steps}  ${terms.join('  ')}  ${milliseconds.toFixed(0)} ms`);
  }
  if (event.kind === 'stage') {
    say(`stage ${event.stage} of ${event.of} from step ${event.step}: ${event.name}`);
  }
  if (event.kind === 'data' && event.data.sha256 !== null) for (const line of sayData(event.data)) say(line);
  if (event.kind === 'evaluation') {
    const mean = event.lengths && meanLength(event.lengths);
    const after = mean === undefined ? '' : `, ${mean.toFixed(2)} reasoning tokens on average`;
    say(`${event.set} at ${event.step}: ${accuracyText(event.accuracy)}${after}`);
  }
  if (event.kind === 'spectrum') {
    const { step, effectiveRank, stableRank, cosine } = event;
    say(
      `latents at ${step}: effective rank ${effectiveRank.toFixed(2)}, stable rank ${stableRank.toFixed(2)}, cosine ${cosine.toFixed(3)}`,
    );
  }
}
