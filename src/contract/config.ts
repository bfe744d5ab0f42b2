import { z } from 'zod';
import { quote } from '../text/quote';
import { after, before } from './common-settings';
import { complaints, RunConfigError } from './complaints';
import { upgradeVersion1 } from './config-v1';
import { METHODS } from './methods/index';
import type { MethodData, Methods } from './methods/method';
import { expectedText, fitting, isObject, settingGroups } from './settings';

/**
 * A run's configuration: everything a run depends on, and the only place for its defaults. The page edits it, a run file
 * holds it, `npm run lab` reads it. It holds the settings every run has (common-settings.ts) and those of its method
 * (methods/), and no others. A configuration of version 1, which held every method's settings whatever the method, is read and converted.
 */
type Output<S> = { [K in keyof S]: S[K] extends z.ZodType ? z.output<S[K]> : never };
export type MethodId = (typeof METHODS)[number]['id'];
type DefaultMethod = (typeof METHODS)[0]['id'];

/** The configuration of one method: `ConfigOf<'…'>`. */
export type ConfigOf<Id extends MethodId> = { version: 2; method: Id } & Output<typeof before> &
  Output<ReturnType<Extract<(typeof METHODS)[number], { id: Id }>['settings']>> &
  Omit<Output<typeof after>, 'training'> &
  // Methods that need two sets of adapters do not have it.
  Partial<Pick<Output<typeof after>, 'training'>>;

/** A run's configuration: a union over `method`. */
export type RunConfig = { [Id in MethodId]: ConfigOf<Id> }[MethodId];

/** What a configuration of the method may hold. */
const shapeOf = (method: MethodData): z.ZodRawShape =>
  Object.fromEntries(
    Object.entries({ ...before, ...method.settings(), ...after }).filter(
      ([group]) => !Object.hasOwn(method.without ?? {}, group),
    ),
  );

/** Whether all of the student's own weights are trained, in place of adapters. */
export const isFull = ({ training }: Pick<RunConfig, 'training'>): boolean => training?.weights === 'full';

/** The settings of a method, in groups, as the form and the help show them. */
export const settingsOf = (method: MethodData) => settingGroups(shapeOf(method));

const schemas = new WeakMap<MethodData, z.ZodType>();
function schemaOf(method: MethodData): z.ZodType {
  const known = schemas.get(method);
  if (known) return known;
  const made = z.strictObject({
    version: z.literal(2).default(2),
    method: z.literal(method.id),
    ...shapeOf(method),
  });
  schemas.set(method, made);
  return made;
}

/** What was expected of a setting with a bad value; zod's own words for anything else. */
function messageOf(
  { path, message }: { readonly path: PropertyKey[]; readonly message: string },
  method: MethodData,
): string {
  const at = path.join('.');
  const found = settingsOf(method)
    .flatMap(({ settings }) => settings)
    .find((setting) => setting.path === at || (setting.kind === 'set' && at.startsWith(`${setting.path}.`)));
  return found ? expectedText(found) : message;
}

/** Why there is no setting at a path. */
const missingText = ({ label, without }: MethodData, path: readonly PropertyKey[]): string => {
  const why = without?.[path.map(String).join('.')];
  return why === undefined ? 'there is no such setting' : `${label} has no such setting: ${why}`;
};

/** A configuration, and what the conversion from version 1 left out, one sentence each. */
export interface ReadConfig {
  readonly config: RunConfig;
  readonly notes: readonly string[];
}

/** The schema of a configuration of either version, for the files and rows that hold one. */
export const readConfigSchema = (methods: Methods = METHODS): z.ZodType<ReadConfig> =>
  z.unknown().transform((value, context) => {
    const refuse = (message: string, ...path: string[]) => {
      context.addIssue({ code: 'custom', message, path });
      return z.NEVER;
    };
    if (!isObject(value)) return refuse('a configuration, which is an object, is expected');
    const ids = methods.map(({ id }) => id);
    const wanted = Object.hasOwn(value, 'method') ? value.method : ids[0];
    const method = methods.find(({ id }) => id === wanted);
    if (!method) return refuse(`one of ${ids.join(', ')} is expected`, 'method');
    if (value.version !== undefined && value.version !== 1 && value.version !== 2)
      return refuse('1 or 2 is expected; a file of a later version needs a later playground', 'version');
    const { value: current, left } =
      value.version === 1 ? upgradeVersion1(value, shapeOf(method)) : { value, left: [] };
    const result = schemaOf(method).safeParse({ ...current, method: method.id });
    if (result.error) {
      // zod goes on after an unknown key, and a transform around this one would then see no configuration.
      for (const issue of result.error.issues)
        if (issue.code === 'unrecognized_keys')
          for (const key of issue.keys)
            refuse(missingText(method, [...issue.path, key]), ...issue.path.map(String), key);
        else context.issues.push({ ...issue, message: messageOf(issue, method), input: value } as never);
      return z.NEVER;
    }
    return {
      config: result.data as RunConfig,
      notes: left.map(
        ([path, found]) => `${path} = ${quote(found)} was left out: ${method.label} has no such setting.`,
      ),
    };
  });

/** A configuration and the notes of its conversion. @throws RunConfigError naming each bad path and value */
export function readRunConfig(value: unknown, methods: Methods = METHODS): ReadConfig {
  const result = readConfigSchema(methods).safeParse(value);
  if (result.success) return result.data;
  throw new RunConfigError(`the run configuration is not valid:\n${complaints(result.error, value)}`);
}

/**
 * A validated configuration with every default filled in.
 * @throws RunConfigError naming each bad path and value, also one of version 1 that its method has no setting for
 */
export function parseRunConfig<Id extends MethodId>(
  value: { readonly method: Id; readonly [key: string]: unknown },
  methods?: Methods,
): Extract<RunConfig, { method: Id }>;
export function parseRunConfig(
  value: { readonly method?: never; readonly [key: string]: unknown },
  methods?: Methods,
): ConfigOf<DefaultMethod>;
export function parseRunConfig(value: unknown, methods?: Methods): RunConfig;
export function parseRunConfig(value: unknown, methods: Methods = METHODS): RunConfig {
  const { config, notes } = readRunConfig(value, methods);
  if (notes.length > 0) throw new RunConfigError(notes.join('\n'));
  return config;
}

/**
 * The configuration with another method: settings that the new method also has are kept, its others have their defaults.
 * `left` are the paths and values of what it has no setting for.
 */
export function withMethod(
  config: RunConfig,
  id: string,
  methods: Methods = METHODS,
): { readonly config: RunConfig; readonly left: readonly (readonly [path: string, value: unknown])[] } {
  const method = methods.find((one) => one.id === id);
  if (!method) return { config: parseRunConfig({ ...config, method: id }, methods), left: [] };
  const { version, method: _old, ...settings } = config;
  const { kept, left } = fitting(settings, shapeOf(method));
  return { config: parseRunConfig({ version, method: id, ...kept }, methods), left };
}
