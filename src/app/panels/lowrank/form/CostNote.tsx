import { useActions, useApp } from '../../../store/use-app';
import { useSettled } from '../../../store/use-settled';
import { costWords } from './cost-words';

/** What a press on Decompose would take, as soon as the models it needs are there. */
export function CostNote() {
  const cost = useApp((state) => state.lens.cost);
  const draft = useApp((state) => state.lens.draft);
  // Whatever else it depends on: the models, the data set, the device, and what the last request has measured and kept.
  const pair = useApp((state) => state.pair.value);
  const opened = useApp((state) => state.lens.opened.value);
  const rows = useApp((state) => state.data.report.value);
  const device = useApp((state) => state.device.value);
  const report = useApp((state) => state.lens.report.value);
  const run = useApp((state) => state.run.task.value);
  const { askLensCost } = useActions();
  useSettled(() => askLensCost(), [draft, pair, opened, rows, device, report, run]);
  if (cost.status === 'failed')
    return cost.error.code === 'memory' ? (
      <p className="field-error">
        {cost.error.message}. {cost.error.hint}
      </p>
    ) : null;
  return cost.value ? <p className="help">{costWords(cost.value)}</p> : null;
}
