import type { SavedRun } from '../../contract/saved-run';
import type { Context } from './context';
import { deviceLink } from './device-link';
import { formsLink } from './forms';
import { formatLink, type Link } from './link';
import { isActive } from './run';
import type { RunActions } from './run-actions';
import { editDraft } from './run-draft';
import { configOfLink, linkOfConfig } from './run-link';
import type { AppState } from './state';
import type { StudentActions } from './student-actions';

type AddressKey =
  | ('link' | 'draft' | 'run' | 'saved' | 'presets' | 'methods' | 'studentRun')
  | ('lens' | 'generation' | 'forms' | 'settings' | 'wanted');

/** The link with what the place shows: in Distil the stored run and the form's settings, elsewhere the student's run. */
export function addressOf(state: Pick<AppState, AddressKey>): Link {
  const { draft, run, saved, presets, methods, studentRun } = state;
  const link = {
    ...state.link,
    forms: formsLink(state.forms, state.link.panel),
    device: deviceLink(state.wanted, state.settings, state.lens.opened.value),
  };
  const known = (id: string | null): string | null => (saved.some((row) => row.id === id) ? id : null);
  if (link.panel === 'distil') {
    const { preset, set } = linkOfConfig(draft, link.preset, presets, methods);
    return { ...link, preset, run: { kept: known(run.id), set } };
  }
  const subjects =
    link.panel === 'lowrank'
      ? [state.lens.draft.subject, state.lens.draft.overlay]
      : [state.generation.draft.subject];
  const isStudent = subjects.some((subject) => subject?.startsWith('student'));
  return { ...link, run: { kept: isStudent ? known(studentRun) : null, set: null } };
}

/** The address of what is shown now, which the browser may learn of later. */
export const hashOf = (state: Parameters<typeof addressOf>[0]): string => formatLink(addressOf(state));

/** Whether anything that the address is made from has changed. */
export const addressChanges = (now: AppState, before: AppState): boolean =>
  now.isPlaceKnown &&
  ((['link', 'draft', 'saved', 'studentRun', 'forms', 'settings', 'wanted'] as const).some(
    (key) => now[key] !== before[key],
  ) ||
    now.run.id !== before.run.id ||
    now.lens.draft !== before.lens.draft ||
    now.lens.opened !== before.lens.opened ||
    now.generation.draft !== before.generation.draft);

export interface RunPlace {
  /** Puts the link's configuration into the form, unless it is there already. */
  takeSettings(link: Link): void;
  /**
   * Shows the link's run, or opens its student; reports what is missing. Call it once the stored runs are
   * listed.
   */
  takeRun(link: Link): Promise<void>;
}

export function runPlace(
  ctx: Context,
  { showRun }: Pick<RunActions, 'showRun'>,
  { openStudent }: Pick<StudentActions, 'openStudent'>,
): RunPlace {
  const complain = (problem: string): void => {
    const { linkProblems } = ctx.get();
    if (!linkProblems.includes(problem)) ctx.set({ linkProblems: [...linkProblems, problem] });
  };
  const takeSettings = (link: Link): void => {
    const { presets, methods } = ctx.get();
    const { config, problems } = configOfLink(link, presets, methods);
    problems.forEach(complain);
    if (config) editDraft(ctx, { draft: config });
  };
  return {
    takeSettings,
    async takeRun(link) {
      const {
        panel,
        run: { kept: id },
      } = link;
      if (id === null) return;
      const { saved, damaged, run, kept, studentRun } = ctx.get();
      const row = saved.find((one) => one.id === id);
      if (!row) {
        const why = damaged.some((one) => one.id === id)
          ? 'cannot be read: Distil says why'
          : 'is not kept in this browser';
        complain(
          `the run ${id} ${why}; load its run bundle (Distil, Load a run file), or start it again with the settings of the link`,
        );
        return;
      }
      if (panel !== 'distil') {
        if (!kept.has(id))
          complain(`no student of the run ${id} is kept: start it again, or load its run bundle`);
        else if (studentRun !== id) await openStudent(id);
        return;
      }
      if (run.id !== id && !isActive(run)) showRun(id);
      const missing = missingFor(row, ctx.get());
      if (missing !== null) ctx.notify('info', missing);
      takeSettings(link);
    },
  };
}

/** Says which model or data of a run is not open; `null` if all are. */
function missingFor(
  { config: { roles }, result }: SavedRun,
  { lens, data }: Pick<AppState, 'lens' | 'data'>,
): string | null {
  const needs = [
    ...(roles.student === 'opened' && lens.opened.value === null
      ? [`its model${result ? `, ${Object.keys(result.models).join(' and ')},` : ''}`]
      : []),
    ...(roles.data === 'opened' && data.report.value === null
      ? [`its data${result?.data ? `, ${result.data.name},` : ''}`]
      : []),
  ];
  return needs.length === 0
    ? null
    : `The run of the link is shown; to use its student or to train it on, open ${needs.join(' and ')} first: they are not open here.`;
}
