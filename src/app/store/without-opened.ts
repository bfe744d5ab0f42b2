import { initialCausalDraft } from './causal-draft';
import { initialEvaluation } from './evaluation';
import { initialGenerationDraft } from './generation';
import { generationLink } from './generation-link';
import { outlived } from './lens';
import type { SubjectId } from './lens-draft';
import { withRole } from './role-choice';
import type { AppState } from './state';
import { initialStopping } from './stopping';
import { idle } from './task';
import { initialThoughtTest } from './thought-test';
import { initialLatents } from './thoughts';

/**
 * What changes when the opened model is closed: whatever was set to use it uses the bundled pair. Reports on
 * it stay visible.
 */
export function withoutOpened(state: AppState): Partial<AppState> {
  const { lens, generation, latents, draft, link, data, evaluation, stopping, thoughtTest } = state;
  const { subject, overlay } = lens.draft;
  const generates = generation.draft.subject === 'opened';
  const own = { ...generation.draft, subject: 'teacher' as const };
  const { problems, question } = latents;
  return {
    lens: {
      ...lens,
      ...outlived(lens, ({ kind }) => kind === 'opened'),
      draft: {
        ...lens.draft,
        subject: subject === 'opened' ? 'teacher' : subject,
        overlay: overlay === 'opened' ? null : overlay,
      },
      causalDraft: withSubject(lens.causalDraft, initialCausalDraft),
      opened: idle,
      storage: idle,
      cost: idle,
    },
    evaluation: { ...evaluation, draft: withSubject(evaluation.draft, initialEvaluation.draft) },
    stopping: { ...stopping, draft: withSubject(stopping.draft, initialStopping.draft) },
    thoughtTest: { ...thoughtTest, draft: withSubject(thoughtTest.draft, initialThoughtTest.draft) },
    ...(generates && {
      generation: { ...generation, draft: own },
      link: { ...link, generation: generationLink(own, initialGenerationDraft) },
    }),
    ...(latents.student === 'opened' && { latents: { ...initialLatents, problems, question } }),
    ...(draft.roles.student === 'opened' && {
      draft: withRole(draft, 'student', 'bundled', data.report.value).config,
      cost: idle,
    }),
  };
}

/** The draft with its initial subject if its subject was the opened model. */
const withSubject = <Draft extends { readonly subject: SubjectId }>(draft: Draft, initial: Draft): Draft =>
  draft.subject === 'opened' ? { ...draft, subject: initial.subject } : draft;
