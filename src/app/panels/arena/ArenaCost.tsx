import { useEffect } from 'react';
import type { Arena } from '../../../contract/arena';
import { useActions, useApp } from '../../store/use-app';
import { duration } from '../../ui/format';

/** Milliseconds without a change before an arena is estimated. */
const PAUSE = 400;

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
  const { runs, seconds, measured, refused } = cost;
  const each = seconds === null ? '' : `, ${duration((1000 * seconds) / runs)} each on average`;
  const by =
    measured === 0
      ? 'estimated from the number of operations'
      : measured === runs
        ? 'by the runs so far'
        : 'by the runs so far where there are any, else estimated from the number of operations';
  return (
    <p className="help" role="status">
      {refused !== null
        ? `A run of this arena would be refused: ${refused}`
        : seconds === null
          ? `${runs} runs are left; how long one takes on this GPU is not known before it runs.`
          : `${runs} runs take about ${duration(1000 * seconds)}${each}: ${by}, evaluation not counted.`}
    </p>
  );
}
