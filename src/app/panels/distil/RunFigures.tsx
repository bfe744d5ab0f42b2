import { useApp } from '../../store/use-app';
import { duration, integer, percent, significant } from '../../ui/format';
import { Figures } from '../../ui/Panel';
import { useThrottled } from '../../ui/use-throttled';

/** Milliseconds between two updates: figures that can still be read. */
const READABLE = 400;

/** Where the run is, in a few large figures. */
export function RunFigures() {
  const latest = useThrottled(
    useApp((state) => state.run.latest),
    READABLE,
  );
  const accuracy = useApp(({ run }) => run.series.accuracy.findLast(({ set }) => set === 'validation'));
  if (!latest) return null;
  return (
    <Figures
      items={[
        { label: 'Step', value: integer(latest.step), note: `of ${integer(latest.steps)}` },
        { label: 'Loss', value: significant(latest.losses.total) },
        { label: 'Validation accuracy', value: accuracy ? percent(accuracy.accuracy.share) : '–' },
        { label: 'Last step took', value: duration(latest.milliseconds) },
      ]}
    />
  );
}
