import { type RunConfig, settingsOf } from '../../contract/config';
import { methodOf } from '../../contract/methods/index';
import type { SettingKind } from '../../contract/settings';
import type { Context } from './context';
import type { RunChoices } from './draft';
import { type History, mapHistory, remember, stepped } from './history';
import { isActive } from './run';
import type { AppState } from './state';

/** Changes of the settings of the Distil place, which Undo takes back. */

type Form = Pick<AppState, 'draft' | 'link' | 'draftHistory'>;

const choicesOf = ({ draft, link }: Pick<Form, 'draft' | 'link'>): RunChoices => ({
  draft,
  preset: link.preset,
});

const isSame = (one: RunConfig, other: RunConfig): boolean => JSON.stringify(one) === JSON.stringify(other);

/** The history after a change of the form; the same where its settings are as before. @param field what is typed into, or null */
const remembered = (
  before: Form,
  now: Pick<Form, 'draft'>,
  field: string | null = null,
): History<RunChoices> =>
  isSame(now.draft, before.draft)
    ? before.draftHistory
    : remember(before.draftHistory, choicesOf(before), field);

/** Puts other settings into the form, as one step. @param field see `remembered` */
export function editDraft(ctx: Context, change: Partial<RunChoices>, field: string | null = null): void {
  const { draft, link, draftHistory } = ctx.get();
  const next = { draft: change.draft ?? draft };
  ctx.set({
    ...next,
    draftHistory: remembered({ draft, link, draftHistory }, next, field),
    ...(change.preset !== undefined && { link: { ...link, preset: change.preset } }),
  });
}

/** Makes one step of all that `change` does to the form before it returns. */
export function asOneStep<T>(ctx: Context, change: () => T): T {
  const before = ctx.get();
  const made = change();
  ctx.set({ draftHistory: remembered(before, ctx.get()) });
  return made;
}

/** One step back or forward. While a run is in progress its settings cannot be changed, and are not. */
export function stepDraft(ctx: Context, way: 'undo' | 'redo'): boolean {
  const { link, draftHistory, run, ...state } = ctx.get();
  const step = stepped(way, draftHistory, choicesOf({ ...state, link }));
  if (step === null || isActive(run)) return false;
  const { draft, preset } = step.settings;
  ctx.set({ draft, link: { ...link, preset }, draftHistory: step.history });
  return true;
}

/** The form with something else put for a configuration, such as for one that needs a model that has gone: Undo does not bring it back. */
export function mappedDraft(
  { draft, link, draftHistory }: Form,
  map: (config: RunConfig) => RunConfig,
): Pick<Form, 'draft' | 'draftHistory'> {
  const now = map(draft);
  const mapped = ({ draft: one, preset }: RunChoices): RunChoices => ({ draft: map(one), preset });
  return { draft: now, draftHistory: mapHistory(draftHistory, mapped, choicesOf({ draft: now, link })) };
}

const TYPED: readonly SettingKind[] = ['count', 'number', 'text'];

/** The setting's path if it is typed into, whose continued change is one step; `null` for one that is chosen. */
export function typedPath(
  path: string,
  { draft, methods }: Pick<AppState, 'draft' | 'methods'>,
): string | null {
  const settings = settingsOf(methodOf(draft.method, methods)).flatMap((group) => group.settings);
  return settings.some((one) => one.path === path && TYPED.includes(one.kind)) ? path : null;
}
