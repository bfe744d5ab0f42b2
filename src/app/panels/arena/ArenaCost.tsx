import type { Arena } from '../../../contract/arena';
import { useActions, useApp } from '../../store/use-app';
import { useSettled } from '../../store/use-settled';
import { costWords } from './words';

/** What the runs that are left take, before they are started. */
export function ArenaCost({ arena }: { readonly arena: Arena }) {
  const cost = useApp((state) => state.arena.cost);
  const isReady = useApp((state) => state.pair.status === 'done' && state.device.status === 'done');
  const { estimateArena } = useActions();
  useSettled(() => estimateArena(), [arena, isReady]);
  if (cost === null || cost.runs === 0) return null;
  return (
    <p className="help" role="status">
      {costWords(cost)}
    </p>
  );
}
