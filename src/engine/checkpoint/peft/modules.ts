/** Which modules an adapter_config.json adapts, and with which rank and scale. */
import { fullMatch, PatternError } from '../../../text/pattern';
import { ConfigError } from '../../base/errors';
import { isJsonObject, type JsonObject, own, quote } from '../json';

export interface ModuleRules {
  /** Whether the file says which modules are adapted; if not, only the tensors do. */
  readonly named: boolean;
  /** @param path of a module, `model.layers.0.self_attn.q_proj`; not called unless `named` */
  isTarget(path: string): boolean;
  rankOf(path: string): number;
  /** s of ΔW = s·B·A. */
  scaleOf(path: string): number;
}

export const FIX = 'Correct adapter_config.json, or get it from the adapter’s source again.';

/** Whether a name denotes the module at this path: the whole path, or its end after a dot. */
export const endsWith = (path: string, name: string): boolean => path === name || path.endsWith(`.${name}`);

/** @throws ConfigError for a value that is neither true nor false; absent means false */
export function flag(json: JsonObject, key: string): boolean {
  const value = own(json, key) ?? false;
  if (typeof value === 'boolean') return value;
  throw new ConfigError(`${key} is ${quote(value)}, expected true or false`, FIX);
}

export function moduleRules(json: JsonObject): ModuleRules {
  const rank = positive(json, 'r', 8, true);
  const alpha = positive(json, 'lora_alpha', 8, false);
  const ranks = pattern(json, 'rank_pattern', true);
  const alphas = pattern(json, 'alpha_pattern', false);
  const root = flag(json, 'use_rslora');
  const rankOf = (path: string): number => ranks.find(([matches]) => matches(path))?.[1] ?? rank;
  const targets = own(json, 'target_modules') ?? null;
  return {
    named: targets !== null,
    isTarget: targetTest(json, targets),
    rankOf,
    scaleOf: (path) => {
      const own = alphas.find(([matches]) => matches(path))?.[1] ?? alpha;
      return own / (root ? Math.sqrt(rankOf(path)) : rankOf(path));
    },
  };
}

function positive(json: JsonObject, key: string, standard: number, whole: boolean): number {
  const value = own(json, key) ?? standard;
  if (isPositive(value, whole)) return value;
  throw new ConfigError(`${key} is ${quote(value)}, expected a ${whole ? 'whole ' : ''}number above 0`, FIX);
}

const isPositive = (value: unknown, whole: boolean): value is number =>
  typeof value === 'number' && value > 0 && value <= 2 ** 20 && (!whole || Number.isInteger(value));

type Matcher = (path: string) => boolean;

/** `rank_pattern` and `alpha_pattern`: the first key that matches the end of a module's path, after a dot, applies. */
function pattern(json: JsonObject, key: string, whole: boolean): readonly (readonly [Matcher, number])[] {
  const value = own(json, key) ?? {};
  if (!isJsonObject(value) || Object.keys(value).length > 2000)
    throw new ConfigError(`${key} is ${quote(value)}, expected values by module`, FIX);
  return Object.entries(value).map(([name, number]) => {
    if (!isPositive(number, whole))
      throw new ConfigError(`${key} of ${quote(name)} is ${quote(number)}, expected a number above 0`, FIX);
    // An anchored key matches the whole path.
    const source = name.startsWith('^') ? name : `(.*\\.)?(${name})`;
    return [expression(key, source, name), number] as const;
  });
}

function expression(key: string, source: string, said: string): Matcher {
  try {
    return fullMatch(source);
  } catch (cause) {
    if (!(cause instanceof PatternError)) throw cause;
    throw new ConfigError(`${key} has the expression ${quote(said)}: ${cause.message}`, FIX, { cause });
  }
}

function targetTest(json: JsonObject, targets: unknown): Matcher {
  const excluded = namesOrExpression(json, 'exclude_modules');
  const layers = own(json, 'layers_to_transform') ?? null;
  if (targets === 'all-linear') return (path) => !endsWith(path, 'lm_head') && !excluded(path);
  const isList = Array.isArray(targets);
  if (layers !== null && !isList)
    throw new ConfigError('layers_to_transform needs target_modules to be a list, which it is not', FIX);
  const wanted = namesOrExpression(json, 'target_modules');
  const numbers = layers === null ? null : new Set(Array.isArray(layers) ? layers : [layers]);
  if (numbers !== null && ![...numbers].every((n) => Number.isInteger(n)))
    throw new ConfigError(`layers_to_transform is ${quote(layers)}, expected numbers of layers`, FIX);
  const before = layerPatterns(json);
  return (path) => {
    if (!wanted(path) || excluded(path)) return false;
    if (numbers === null || (isList && targets.includes(path))) return true;
    const parts = path.split('.');
    const at = parts.findIndex(
      (part, i) => /^\d+$/.test(part) && (before === null || before.includes(parts[i - 1] ?? '')),
    );
    return at > 0 && numbers.has(Number(parts[at]));
  };
}

function layerPatterns(json: JsonObject): readonly string[] | null {
  const value = own(json, 'layers_pattern') ?? null;
  if (value === null || value === '' || (Array.isArray(value) && value.length === 0)) return null;
  const list = Array.isArray(value) ? value : [value];
  if (list.every((one) => typeof one === 'string')) return list;
  throw new ConfigError(`layers_pattern is ${quote(value)}, expected names`, FIX);
}

function namesOrExpression(json: JsonObject, key: string): Matcher {
  const value = own(json, key) ?? [];
  if (typeof value === 'string') return expression(key, value, value);
  if (!Array.isArray(value) || value.length > 10_000 || !value.every((name) => typeof name === 'string'))
    throw new ConfigError(`${key} is ${quote(value)}, expected a list of module names or an expression`, FIX);
  return (path) => value.some((name) => endsWith(path, name));
}
