import { useMemo } from 'react';
import type { Bounds, SubjectId } from '../../store/lens-draft';
import { boundsOf } from '../../store/lens-subjects';
import { useApp } from '../../store/use-app';

/** L and H of the subject, where they are known. */
export function useBounds(subject: SubjectId): Bounds {
  const pair = useApp((state) => state.pair);
  const lens = useApp((state) => state.lens);
  return useMemo(() => boundsOf({ pair, lens }, subject), [pair, lens, subject]);
}
