import { formsWithoutOpened } from './forms';
import { choicesOf, initialGenerationDraft } from './generation';
import { generationLink } from './generation-link';
import { mapHistory, noHistory } from './history';
import { outlived } from './lens';
import type { LensDraft, SubjectId } from './lens-draft';
import { withRole } from './role-choice';
import { mappedDraft } from './run-draft';
import type { AppState } from './state';
import { idle } from './task';
import { initialLatents } from './thoughts';

/**
 * What changes when the opened model is closed: whatever was set to use it uses the bundled pair. Reports on
 * it stay visible.
 */
export function withoutOpened(state: AppState): Partial<AppState> {
  const { lens, generation, latents, draft, link, data, forms } = state;
  const decomposed = withoutSubjects(lens.draft);
  const own = withSubject(generation.draft, initialGenerationDraft);
  const { problems, question } = latents;
  return {
    lens: {
      ...lens,
      ...outlived(lens, ({ kind }) => kind === 'opened'),
      draft: decomposed,
      // Undo would bring the closed model back.
      ...mapHistory(lens, withoutSubjects, decomposed),
      opened: idle,
      storage: idle,
      storages: noHistory,
      cost: idle,
    },
    forms: formsWithoutOpened(forms),
    generation: {
      ...generation,
      draft: own,
      ...mapHistory(generation, (one) => withSubject(one, initialGenerationDraft), choicesOf(own)),
    },
    link: { ...link, generation: generationLink(own, initialGenerationDraft) },
    ...(latents.student === 'opened' && { latents: { ...initialLatents, problems, question } }),
    ...mappedDraft(state, (config) =>
      config.roles.student === 'opened'
        ? withRole(config, 'student', 'bundled', data.report.value).config
        : config,
    ),
    ...(draft.roles.student === 'opened' && { cost: idle }),
  };
}

const withoutSubjects = (draft: LensDraft): LensDraft => ({
  ...draft,
  subject: draft.subject === 'opened' ? 'teacher' : draft.subject,
  overlay: draft.overlay === 'opened' ? null : draft.overlay,
});

/** The draft with its initial subject if its subject was the opened model. */
const withSubject = <Draft extends { readonly subject: SubjectId }>(
  draft: Draft,
  initial: Pick<Draft, 'subject'>,
): Draft => (draft.subject === 'opened' ? { ...draft, subject: initial.subject } : draft);
