import { useMemo } from 'react';
import type { Bounds, DraftBounds, LensDraft, SubjectId } from '../../store/lens-draft';
import { boundsOf, draftBoundsOf } from '../../store/lens-subjects';
import { useApp } from '../../store/use-app';

/** L and H of the subject, if known. */
export function useBounds(subject: SubjectId): Bounds {
  const pair = useApp((state) => state.pair);
  const lens = useApp((state) => state.lens);
  return useMemo(() => boundsOf({ pair, lens }, subject), [pair, lens, subject]);
}

/** The same for a draft's subject, and H of what it is compared with. */
export function useDraftBounds({ subject, overlay }: Pick<LensDraft, 'subject' | 'overlay'>): DraftBounds {
  const pair = useApp((state) => state.pair);
  const lens = useApp((state) => state.lens);
  return useMemo(() => draftBoundsOf({ pair, lens }, { subject, overlay }), [pair, lens, subject, overlay]);
}
