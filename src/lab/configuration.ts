import { readFile } from 'node:fs/promises';
import { parseRunConfig, type RunConfig, withMethod } from '../contract/config';
import { methodOf } from '../contract/methods/index';
import { type Methods, stagesLeftOut } from '../contract/methods/method';
import { findPreset, type Preset, presetsOf } from '../contract/presets';
import { parseRunFile, type ReadRunFile } from '../contract/run-file';
import { readJson } from '../text/json';

/** The configuration of a command, from `--config`, `--preset` and `--set`. */
export interface Configuration {
  readonly file: ReadRunFile['file'] | null;
  readonly config: RunConfig;
  /** What is compared; if nothing is, the named presets, or else the single configuration. */
  readonly contenders: readonly { readonly name: string; readonly config: RunConfig }[];
  /** What was left out or renamed, one sentence each. */
  readonly notes: readonly string[];
}

/**
 * @param compares whether methods are compared, as in `eval`: a custom configuration with every method, or
 * else every preset that is not named for a paper's table
 * @throws an error that names what is wrong
 */
export async function configurationOf(
  given: {
    readonly config?: string | undefined;
    readonly preset: readonly string[];
    readonly set: readonly string[];
  },
  methods: Methods,
  compares = false,
): Promise<Configuration> {
  if (given.config !== undefined) {
    if (given.preset.length > 0)
      throw new Error('--config and --preset both say what to start from; give only one of them');
    const { file, notes } = await readRunFile(given.config, methods);
    const changed = override(file.config, given.set, methods);
    const contenders = (compares ? methods.map(({ id }) => id) : [changed.config.method]).map((id) => ({
      name: id,
      config: withMethod(changed.config, id, methods).config,
    }));
    const short = tooShort(compares ? contenders : [{ name: '', config: changed.config }], methods);
    return { file, config: changed.config, contenders, notes: [...notes, ...changed.notes, ...short] };
  }
  const { presets, notes } = chosenPresets(given.preset, methods, compares);
  const changed = presets.map((preset) => ({
    name: preset.id,
    ...override(preset.config, given.set, methods),
  }));
  return {
    file: null,
    config: (changed[0] as { readonly config: RunConfig }).config,
    contenders: changed,
    notes: [...notes, ...(changed[0]?.notes ?? []), ...tooShort(changed, methods)],
  };
}

/** What contenders’ runs are too short for, one sentence each. */
const tooShort = (contenders: Configuration['contenders'], methods: Methods): string[] =>
  contenders.flatMap(({ name, config }) => {
    const text = stagesLeftOut(methodOf(config.method, methods), config);
    return text === '' ? [] : [name === '' ? text : `${name}: ${text}`];
  });

/**
 * The presets with these ids; without ids, the first, or for a comparison all that are not named for a
 * paper’s table.
 */
function chosenPresets(ids: readonly string[], methods: Methods, compares: boolean) {
  const presets = presetsOf(methods);
  const notes: string[] = [];
  if (ids.length === 0)
    return { presets: compares ? presets.filter(({ paper }) => !paper) : presets.slice(0, 1), notes };
  const chosen = ids.map((id): Preset => {
    const found = findPreset(id, presets);
    if (!found)
      throw new Error(
        `--preset ${JSON.stringify(id)}; there are ${presets.map((preset) => preset.id).join(', ')}`,
      );
    if (found.id !== id)
      notes.push(`--preset ${id} is now called ${found.id} (${found.name}); its values are today’s`);
    return found;
  });
  return { presets: chosen, notes };
}

export async function readRunFile(path: string, methods: Methods): Promise<ReadRunFile> {
  let json: unknown;
  try {
    json = readJson(await readFile(path));
  } catch (cause) {
    throw new Error(`${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  return parseRunFile(json, methods);
}

/** `--set optimiser.steps=20`: the value is JSON if it parses, and otherwise text. `method=…` is applied first. */
export function override(
  config: RunConfig,
  changes: readonly string[],
  methods: Methods,
): { readonly config: RunConfig; readonly notes: readonly string[] } {
  const parsed = changes.map((change) => {
    const [path = '', ...rest] = change.split('=');
    return { change, path, value: rest.length === 0 ? undefined : literal(rest.join('=')) };
  });
  const notes: string[] = [];
  let start = config;
  for (const { path, value } of parsed) {
    if (path !== 'method') continue;
    const { config: moved, left } = withMethod(start, String(value), methods);
    if (left.length > 0)
      notes.push(
        `--set method=${value} leaves out what that method has no setting for: ${left.map(([at]) => at).join(', ')}`,
      );
    start = moved;
  }
  const copy = structuredClone(start) as Record<string, unknown>;
  for (const { change, path, value } of parsed) {
    if (path === 'method' && value !== undefined) continue;
    const keys = path.split('.');
    const last = keys.pop() as string;
    const parent = keys.reduce<unknown>(
      (at, key) => (isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined),
      copy,
    );
    const { label, without } = methodOf(start.method, methods);
    const why = without?.[path.split('.')[0] ?? ''];
    if (why !== undefined)
      throw new Error(`--set ${JSON.stringify(change)}; ${label} has no such setting: ${why}`);
    if (value === undefined || !isObject(parent) || !Object.hasOwn(parent, last))
      throw new Error(
        `--set ${JSON.stringify(change)}; path=value is expected, where path is a setting of the method ${start.method}, such as optimiser.steps`,
      );
    parent[last] = value;
  }
  return { config: parseRunConfig(copy, methods), notes };
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
