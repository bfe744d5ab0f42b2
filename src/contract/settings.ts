import { z } from 'zod';

/**
 * A setting is a zod schema with its default, registered here with what a person reads about it. The form, the help of
 * `npm run lab` and the messages are all read from the two together, so that no range or default is written twice.
 */
export interface SettingText {
  readonly label: string;
  /** Its symbol in the formulas, in TeX. */
  readonly tex?: string;
  readonly unit?: string;
  /** What it does, in a sentence or two. */
  readonly help: string;
  /** Where its default comes from: a place in a paper, `OURS` or `APP`. */
  readonly source: string;
  /** What the values of an enumeration mean. */
  readonly options?: Readonly<Record<string, string>>;
  /** The group a setting at the top level is shown in. */
  readonly group?: string;
}

export interface GroupText {
  readonly title: string;
  readonly tex?: string;
}

/** The paper leaves the value open: the default is a choice of this project, and shown as such. */
export const OURS = 'a choice of this project: the paper leaves it open';
/** The setting belongs to the playground rather than to a method. */
export const APP = 'a setting of the playground';

const texts = z.registry<SettingText>();
const groups = z.registry<GroupText>();

/** A setting: schema (with its default) and text. */
export const setting = <S extends z.ZodType>(schema: S, text: SettingText): S => {
  texts.add(schema, text);
  return schema;
};

/** Settings that are shown together. */
export const group = <S extends z.ZodRawShape>(text: GroupText, shape: S) => {
  const schema = z.strictObject(shape).prefault({} as never);
  groups.add(schema, text);
  return schema;
};

/** A whole number from `low` to `high`. */
export const count = (low: number, high: number) => z.int().min(low).max(high);

export type SettingKind = 'count' | 'number' | 'check' | 'choice' | 'set' | 'text';

/** One setting, as forms, help texts and tests see it. */
export interface Setting extends Omit<SettingText, 'options' | 'group'> {
  /** `weights.covariance` */
  readonly path: string;
  readonly kind: SettingKind;
  readonly default: unknown;
  /** Of numbers. */
  readonly range?: Range;
  /** Of a text: characters. */
  readonly length?: { readonly low: number; readonly high: number };
  /** Of a choice or a set. */
  readonly options: readonly { readonly id: string; readonly label: string }[];
  /** Whether the default is a choice of this project. */
  readonly ours: boolean;
}

export interface Range {
  readonly low: number;
  readonly high: number;
  /** Whether `low` itself is excluded. */
  readonly above: boolean;
}

export interface SettingGroup extends GroupText {
  readonly id: string;
  readonly settings: readonly Setting[];
}

/** The groups of a configuration's schema, in its order. @throws Error for a setting without text: a bug in a method */
export function settingGroups(shape: z.ZodRawShape): SettingGroup[] {
  const found = new Map<string, { text: GroupText; settings: Setting[] }>();
  for (const [key, schema] of Object.entries(shape)) {
    const text = groups.get(schema as z.ZodType);
    if (text) found.set(key, { text, settings: settingsOf(schema as z.ZodType, key) });
  }
  for (const [key, schema] of Object.entries(shape)) {
    const home = texts.get(schema as z.ZodType)?.group;
    if (home !== undefined) found.get(home)?.settings.push(settingOf(schema as z.ZodType, key));
  }
  return [...found].map(([id, { text, settings }]) => ({ id, ...text, settings }));
}

function settingsOf(schema: z.ZodType, path: string): Setting[] {
  const inner = unwrap(schema);
  if (!(inner instanceof z.ZodObject)) return [settingOf(schema, path)];
  return Object.entries(inner.shape as z.ZodRawShape).flatMap(([key, child]) =>
    settingsOf(child as z.ZodType, `${path}.${key}`),
  );
}

function settingOf(schema: z.ZodType, path: string): Setting {
  const text = texts.get(schema);
  if (!text) throw new Error(`the setting ${path} has no text; make it with setting(schema, text)`);
  const { options: labels, group: _group, ...rest } = text;
  const inner = unwrap(schema);
  const values =
    inner instanceof z.ZodEnum
      ? inner.options
      : inner instanceof z.ZodArray && inner.element instanceof z.ZodEnum
        ? inner.element.options
        : [];
  return {
    ...rest,
    path,
    kind: kindOf(inner, path),
    default: schema.parse(undefined),
    ...(inner instanceof z.ZodNumber && { range: rangeOf(inner) }),
    ...(inner instanceof z.ZodString && {
      length: { low: inner.minLength ?? 0, high: inner.maxLength ?? Number.POSITIVE_INFINITY },
    }),
    options: values.map((id) => ({ id: String(id), label: labels?.[String(id)] ?? String(id) })),
    ours: text.source === OURS,
  };
}

function kindOf(schema: z.ZodType, path: string): SettingKind {
  if (schema instanceof z.ZodNumber) return schema.isInt ? 'count' : 'number';
  if (schema instanceof z.ZodBoolean) return 'check';
  if (schema instanceof z.ZodEnum) return 'choice';
  if (schema instanceof z.ZodArray) return 'set';
  if (schema instanceof z.ZodString) return 'text';
  throw new Error(`the setting ${path} is a ${schema.type}, for which there is no field`);
}

function rangeOf(schema: z.ZodNumber): Range {
  const low = schema.minValue ?? Number.NEGATIVE_INFINITY;
  return {
    low,
    high: schema.maxValue ?? Number.POSITIVE_INFINITY,
    above: !schema.safeParse(low).success,
  };
}

/** The schema without its default. */
export function unwrap(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
    ? unwrap(schema.unwrap() as z.ZodType)
    : schema;
}

/** `1 to 32`, `more than 0, at most 100`, `yes or no`, `one of softmax, hidden`. */
export function rangeText({
  kind,
  range,
  length,
  options,
}: Pick<Setting, 'kind' | 'range' | 'length' | 'options'>): string {
  if (length) return `a text of ${length.low} to ${length.high} characters`;
  if (range) return endsText(range);
  if (kind === 'check') return 'true or false';
  const ids = options.map(({ id }) => id).join(', ');
  return kind === 'set' ? `a list of ${ids}` : `one of ${ids}`;
}

/** `1 to 32`, `more than 0, at most 100`, `1 or more`. */
export function endsText({ low, high, above }: Range): string {
  const [least, most] = [low, high].map(endText);
  if (above) return `more than ${least}, at most ${most}`;
  return high === Number.POSITIVE_INFINITY ? `${least} or more` : `${least} to ${most}`;
}

/** An end of a range as it can be typed: a large power of ten by its exponent. */
const endText = (end: number): string =>
  Math.abs(end) >= 1e6 && Number.isInteger(Math.log10(Math.abs(end)))
    ? end.toExponential(0).replace('e+', 'e')
    : String(end);

/** What a message says was expected. */
export function expectedText(setting: Setting): string {
  const { kind } = setting;
  const what = kind === 'count' ? 'a whole number, ' : kind === 'number' ? 'a number, ' : '';
  return `${what}${rangeText(setting)}${kind === 'set' ? ', at least one of them' : ''}, is expected`;
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value at a path such as `weights.anchor`; undefined if there is none. */
export const valueAt = (tree: unknown, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>(
      (held, key) => (isObject(held) && Object.hasOwn(held, key) ? held[key] : undefined),
      tree,
    );

/** The paths of the values in a tree; a list is one value. */
export function pathsOf(tree: unknown, path = ''): string[] {
  if (!isObject(tree)) return [path];
  return Object.entries(tree).flatMap(([key, inner]) => pathsOf(inner, path === '' ? key : `${path}.${key}`));
}

/**
 * The values that the schemas have a setting for, by name, whether valid or not; and path and value of all others.
 */
export function fitting(
  value: Readonly<Record<string, unknown>>,
  shape: z.ZodRawShape,
  path = '',
): { kept: Record<string, unknown>; left: [path: string, value: unknown][] } {
  const kept: Record<string, unknown> = {};
  const left: [string, unknown][] = [];
  for (const [key, held] of Object.entries(value)) {
    const at = `${path}${key}`;
    const schema = Object.hasOwn(shape, key) ? unwrap(shape[key] as z.ZodType) : undefined;
    if (schema instanceof z.ZodObject && isObject(held)) {
      const inner = fitting(held, schema.shape as z.ZodRawShape, `${at}.`);
      kept[key] = inner.kept;
      left.push(...inner.left);
    } else if (schema) kept[key] = held;
    else if (isObject(held)) left.push(...fitting(held, {}, `${at}.`).left);
    else left.push([at, held]);
  }
  return { kept, left };
}
