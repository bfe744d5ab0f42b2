import { NO_FILTER } from '../../../../contract/data';
import { filterWords } from '../../../store/data';
import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { integer } from '../../../ui/format';

/** Which rows are drawn from: those of the data set that is open, under the filter that came along. */
export function RowsNote() {
  const report = useApp((state) => state.data.report);
  const filter = useApp((state) => filterWords(state.lens.draft.rowsFilter));
  const { changeLens, openBundledRows, goTo } = useActions();
  return (
    <div>
      <p className="help">
        {report.value
          ? `${report.value.name}: ${integer(report.value.rows)} rows${filter ? `; only those with ${filter} are used` : ''}.`
          : 'No data set is open.'}
      </p>
      <div className="actions">
        {!report.value && (
          <Button isDisabled={isBusy(report)} onPress={() => void openBundledRows()}>
            Use 128 GSM8K rows
          </Button>
        )}
        <Button look="quiet" onPress={() => goTo('data')}>
          {report.value ? 'See the rows' : 'Open a data set'}
        </Button>
        {filter && (
          <Button look="quiet" onPress={() => changeLens({ rowsFilter: NO_FILTER })}>
            Use all rows
          </Button>
        )}
      </div>
    </div>
  );
}
