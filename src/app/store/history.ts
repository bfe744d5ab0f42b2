/**
 * Undo and redo of a form's settings. What is kept are the settings before each change; continued typing in one field is a
 * single step.
 */
export interface History<Settings> {
  /** Settings for undo, most recent last, and for redo, next first. */
  readonly past: readonly Settings[];
  readonly future: readonly Settings[];
  /** The field that is being typed into. */
  readonly touched: string | null;
}

/** Maximum number of undo steps. */
const MAX_PAST = 100;

export const noHistory: History<never> = { past: [], future: [], touched: null };

/**
 * After a change. @param before the settings that it changed
 * @param touched the field, if it is the only one and is typed into
 */
export function remember<Settings>(
  { past, touched: last }: History<Settings>,
  before: Settings,
  touched: string | null,
): History<Settings> {
  const goesOn = touched !== null && touched === last;
  return { past: goesOn ? past : [...past, before].slice(-MAX_PAST), future: [], touched };
}

/** The settings one step back, and the history then; `null` if there is none. @param now the settings as they are */
export function stepBack<Settings>(
  { past, future }: History<Settings>,
  now: Settings,
): { readonly settings: Settings; readonly history: History<Settings> } | null {
  if (past.length === 0) return null;
  const settings = past[past.length - 1] as Settings;
  return { settings, history: { past: past.slice(0, -1), future: [now, ...future], touched: null } };
}

/** The same, forward. */
export function stepForward<Settings>(
  { past, future }: History<Settings>,
  now: Settings,
): { readonly settings: Settings; readonly history: History<Settings> } | null {
  if (future.length === 0) return null;
  const [settings, ...rest] = future as readonly [Settings, ...Settings[]];
  return { settings, history: { past: [...past, now], future: rest, touched: null } };
}

/** Either, as asked. */
export const stepped = <Settings>(
  way: 'undo' | 'redo',
  history: History<Settings>,
  now: Settings,
): ReturnType<typeof stepBack<Settings>> => (way === 'undo' ? stepBack : stepForward)(history, now);

/** A form's settings, and what Undo and Redo bring back. */
export interface Form<Settings> extends History<Settings> {
  readonly draft: Settings;
}

export const formOf = <Settings>(draft: Settings): Form<Settings> => ({ draft, ...noHistory });

/** The form after a change; the same form if it changes nothing. @param typed the fields that are typed into */
export function changedForm<Settings extends object>(
  form: Form<Settings>,
  change: Partial<Settings>,
  typed: readonly (keyof Settings)[],
): Form<Settings> {
  const draft = { ...form.draft, ...change };
  if (JSON.stringify(draft) === JSON.stringify(form.draft)) return form;
  const [field, ...others] = Object.keys(change) as (keyof Settings & string)[];
  const touched = field !== undefined && others.length === 0 && typed.includes(field) ? field : null;
  return { draft, ...remember(form, form.draft, touched) };
}

/** The form one step back or forward; the same form if there is none. */
export function steppedForm<Settings>(form: Form<Settings>, way: 'undo' | 'redo'): Form<Settings> {
  const step = stepped(way, form, form.draft);
  return step === null ? form : { draft: step.settings, ...step.history };
}

/**
 * The history with something else put for all settings in it, such as for a model that has gone. Steps that change nothing any
 * more are left out. @param now the settings as they are by then
 */
export function mapHistory<Settings>(
  history: History<Settings>,
  map: (settings: Settings) => Settings,
  now: Settings,
): History<Settings> {
  const [past, future] = [history.past.map(map), history.future.map(map)];
  const differ = (one: Settings, other: Settings) => JSON.stringify(one) !== JSON.stringify(other);
  return {
    past: past.filter((one, i) => differ(one, past[i + 1] ?? now)),
    future: future.filter((one, i) => differ(one, future[i - 1] ?? now)),
    touched: null,
  };
}
