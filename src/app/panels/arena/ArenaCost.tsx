import { useEffect } from 'react';
import type { Arena } from '../../../contract/arena';
import { useActions, useApp } from '../../store/use-app';
import { costWords } from './words';

/** Milliseconds without a change before an arena is estimated. */
export const PAUSE = 400;

/** What the runs that are left take, before they are started. */
export function ArenaCost({ arena }: { readonly arena: Arena }) {
  const cost = useApp((state) => state.arena.cost);
  const isReady = useApp((state) => state.pair.status === 'done' && state.device.status === 'done');
  const { estimateArena } = useActions();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the estimate is of these
  useEffect(() => {
    const timer = setTimeout(() => void estimateArena(), PAUSE);
    return () => clearTimeout(timer);
  }, [arena, isReady, estimateArena]);
  if (cost === null || cost.runs === 0) return null;
  return (
    <p className="help" role="status">
      {costWords(cost)}
    </p>
  );
}
