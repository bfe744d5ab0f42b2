import { initialGenerationDraft } from './generation';
import { generationLink } from './generation-link';
import { outlived } from './lens';
import { withRole } from './role-choice';
import type { AppState } from './state';
import { idle } from './task';
import { initialLatents } from './thoughts';

/** What changes when the opened model is closed: whatever was to use it uses the bundled pair. Reports of it stay visible. */
export function withoutOpened({ lens, generation, latents, draft, link, data }: AppState): Partial<AppState> {
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
      opened: idle,
      storage: idle,
      cost: idle,
    },
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
