import { useMemo } from 'react';
import { ENOUGH_SEEDS } from '../../../contract/seeds';
import { seedGroups } from '../../store/seed-groups';
import { useApp } from '../../store/use-app';
import { DataTable } from '../../ui/DataTable';
import { integer, percent } from '../../ui/format';
import { Panel } from '../../ui/Panel';

/** Accuracy over seeds, for kept runs that differ only in their seed. */
export function SeedsCard() {
  const saved = useApp((state) => state.saved);
  const methods = useApp((state) => state.methods);
  const groups = useMemo(() => seedGroups(saved, methods), [saved, methods]);
  if (groups.length === 0) return null;
  return (
    <Panel
      title="Across seeds"
      about={`Kept runs that differ only in their seed. Runs vary more across seeds than the interval of a single run suggests, so compare methods here, with ${ENOUGH_SEEDS} seeds or more.`}
    >
      <DataTable
        caption="Held-out accuracy by configuration; intervals are 95 % bootstrap intervals over seeds"
        columns={['Configuration', 'Seeds', 'Median', '95 % interval', 'Lowest to highest', 'By seed']}
        rows={groups.map(({ label, problems, accuracy, overSeeds: s }) => [
          label,
          `${s.n}${s.n < ENOUGH_SEEDS ? ', few' : ''}`,
          percent(s.median),
          s.medianInterval && `${percent(s.medianInterval.low)} to ${percent(s.medianInterval.high)}`,
          `${percent(s.min)} to ${percent(s.max)}`,
          `${accuracy.map(([seed, share]) => `${seed}: ${percent(share)}`).join('; ')} (${integer(problems)} problems each)`,
        ])}
      />
    </Panel>
  );
}
