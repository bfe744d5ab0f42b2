import { NO_FILTER } from '../../../../contract/data';
import { type DataDraft, filterOf, filterWords } from '../../../store/data';
import { originWords } from '../../../store/data-origin';
import type { LensDraft } from '../../../store/lens-draft';
import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { Notice } from '../../../ui/ErrorNotice';
import { integer } from '../../../ui/format';

/** How many rows Data has drawn of `rows`, where those taken here are the first of them; else `null`. */
function largerSample(lens: LensDraft, data: DataDraft, rows: number): number | null {
  const isSame = data.seed === lens.drawSeed && filterWords(filterOf(data)) === filterWords(lens.rowsFilter);
  return isSame && data.samples > lens.samples && data.samples <= rows ? data.samples : null;
}

/** Which rows are drawn from: those of the data set that is open, under the filter that came along. */
export function RowsNote() {
  const report = useApp((state) => state.data.report);
  const filter = useApp((state) => filterWords(state.lens.draft.rowsFilter));
  const asked = useApp((state) => state.data.asked?.origin ?? null);
  const sampled = useApp(({ lens: { draft }, data }) =>
    largerSample(draft, data.draft, data.report.value?.rows ?? 0),
  );
  const taken = useApp((state) => state.lens.draft.samples);
  const { changeLens, openBundledRows, goTo } = useActions();
  const isElsewhere = asked !== null && asked.kind !== 'bundled';
  return (
    <div className="lens-fields">
      <p className="help">
        {report.value
          ? `${report.value.name}: ${integer(report.value.rows)} rows${filter ? `; only those with ${filter} are used` : ''}.`
          : asked === null
            ? 'No data set is open. A link names the set where it is the bundled one or one of the Hub; files of one’s own, and sets of a mirror, are in no link.'
            : 'No data set is open.'}
        {report.value &&
          sampled !== null &&
          ` The first ${taken} of the ${integer(sampled)} rows sampled in Data.`}
      </p>
      {isElsewhere && (
        <Notice kind="info">
          The link asks for {originWords(asked)} from huggingface.co. That is not here yet, and nothing has
          been fetched: Data has the form filled in.{' '}
          {report.value && 'What is open is another set, of other rows.'}
        </Notice>
      )}
      <div className="actions">
        {!report.value && (
          <Button isDisabled={isBusy(report)} onPress={() => void openBundledRows()}>
            Use 128 GSM8K rows
          </Button>
        )}
        <Button look="quiet" onPress={() => goTo('data')}>
          {isElsewhere ? 'Fetch it in Data' : report.value ? 'See the rows' : 'Open a data set'}
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
