import { parseRunConfig, type RunConfig } from '../../contract/config';
import { METHODS } from '../../contract/methods/index';
import type { Methods } from '../../contract/methods/method';
import { findPreset, nameConfig, PRESETS, type Preset } from '../../contract/presets';
import { pathsOf } from '../../contract/settings';
import { draftErrors, valueAt, withValue } from './draft';
import { quoted } from './link-text';
import { failureOf } from './task';

/**
 * The part of a link that names a run: `kept`, a run that this browser may have, and `set`, the form's
 * deviations from the preset, as in
 * `#/distil?preset=codi-128&set=seed=3;optimiser.steps=50&kept=2026-11-26T08:00:00.000Z`.
 */
export interface RunLink {
  readonly kept: string | null;
  readonly set: string | null;
}

export const RUN_KEYS = ['kept', 'set'] as const;
const MAX_SET = 4000;

export const isRunId = (text: string): boolean => /^[\w.:-]{1,100}$/.test(text);

/** @returns the usable values, and what is wrong with the others */
export function readRunLink(values: URLSearchParams): {
  readonly run: RunLink;
  readonly problems: readonly string[];
} {
  const [kept, set] = [values.get('kept'), values.get('set')];
  const problems: string[] = [];
  // Problems with `kept` are reported when moments are read, which have it too.
  const isLong = set !== null && set.length > MAX_SET;
  if (isLong) problems.push(`the settings of ${set.length} characters are longer than ${MAX_SET}`);
  return {
    run: { kept: kept !== null && isRunId(kept) ? kept : null, set: isLong ? null : set || null },
    problems,
  };
}

/** Inside values, the separators are escaped as in addresses. */
const write = (value: unknown): string =>
  (typeof value === 'string' && !isLiteral(value) ? value : JSON.stringify(value)).replaceAll(
    /[%;]/g,
    (sign) => encodeURIComponent(sign),
  );

const isLiteral = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

function read(text: string): unknown {
  const plain = text.replaceAll(/%25|%3B/gi, (code) => decodeURIComponent(code));
  return isLiteral(plain) ? JSON.parse(plain) : plain;
}

/** The settings in which a configuration differs from a preset, but for those left out; `null` if there are none. */
function settingsText(
  preset: Preset,
  config: RunConfig,
  leftOut: ReadonlyMap<string, unknown>,
): string | null {
  const differ = pathsOf(config).filter(
    (path) =>
      !leftOut.has(path) &&
      JSON.stringify(valueAt(config, path)) !== JSON.stringify(valueAt(preset.config, path)),
  );
  return differ.length === 0
    ? null
    : differ.map((path) => `${path}=${write(valueAt(config, path))}`).join(';');
}

/** The configuration that a link puts into the form: a preset with settings; `null` if it names none. */
export function configOfLink(
  { preset: id, run: { set } }: { readonly preset: string | null; readonly run: RunLink },
  presets: readonly Preset[] = PRESETS,
  methods: Methods = METHODS,
): { readonly config: RunConfig | null; readonly problems: readonly string[] } {
  if (id === null && set === null) return { config: null, problems: [] };
  const preset = findPreset(id, presets) ?? (presets[0] as Preset);
  const problems: string[] = [];
  let config = preset.config;
  for (const change of set?.split(';') ?? []) {
    const [path = '', value] = change.split(/=(.*)/s);
    if (value === undefined || valueAt(config, path) === undefined || path === 'method' || path === 'version')
      problems.push(`unknown setting ${quoted(change)}: expected path=value, such as optimiser.steps=50`);
    else config = withValue(config, path, read(value));
  }
  try {
    return { config: parseRunConfig(config, methods), problems };
  } catch (thrown) {
    return { config: preset.config, problems: [...problems, `the settings: ${failureOf(thrown).message}`] };
  }
}

/**
 * The preset and settings by which a link names a configuration; empty if it is the unchanged first preset. Half-typed values stay out
 * of the address.
 */
export function linkOfConfig(
  config: RunConfig,
  wanted: string | null,
  presets: readonly Preset[],
  methods: Methods,
): { readonly preset: string | null; readonly set: string | null } {
  const own = findPreset(wanted, presets);
  const preset = own?.config.method === config.method ? own : nameConfig(config, methods).preset;
  if (!preset) return { preset: wanted, set: null };
  const set = settingsText(preset, config, draftErrors(config, methods));
  const isFirst = preset.id === presets[0]?.id && wanted === null;
  return { preset: isFirst ? null : preset.id, set };
}
