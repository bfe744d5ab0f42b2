import { FEWEST_ROWS, HUB_SETS, hostsOf, hubRowsError, placeOf, SOME_ROWS } from '../../store/hub-data';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { limitsOf } from '../../store/whole';
import { Button } from '../../ui/Button';
import { Choice, Segments } from '../../ui/Choice';
import { FieldName, NumberField } from '../../ui/Field';
import { duration, integer } from '../../ui/format';
import { TextEntry } from '../../ui/TextEntry';
import { TaskStatus } from '../shared/TaskStatus';

const OTHER = 'other';

/** Rows of a data set, through the host's dataset viewer. */
export function HubRows() {
  const hub = useApp((state) => state.data.hub);
  const sources = useApp((state) => state.sources);
  const { changeHubRows, fetchHubRows, cancelFetching } = useActions();
  const { rows, fetching, arrived, waiting } = hub;
  const busy = isBusy(fetching);
  const known = HUB_SETS.find(
    ({ dataset, config, split }) =>
      dataset === rows.dataset && config === rows.config && split === rows.split,
  );
  const error = hubRowsError(rows);
  return (
    <>
      <Choice
        label={<FieldName label="Data set" />}
        value={known?.dataset ?? OTHER}
        isDisabled={busy}
        options={[
          ...HUB_SETS.map(({ dataset, label, config, split }) => ({
            id: dataset,
            label,
            about: `${dataset}, ${config}, ${split}`,
          })),
          { id: OTHER, label: 'another', about: 'Type its name below.' },
        ]}
        onChange={(id) => {
          const found = HUB_SETS.find(({ dataset }) => dataset === id);
          changeHubRows(
            found
              ? { dataset: found.dataset, config: found.config, split: found.split }
              : { dataset: '', config: 'default', split: 'train' },
          );
        }}
      />
      <div className="data-pair">
        <TextEntry
          label="Name"
          value={rows.dataset}
          placeholder="owner/name"
          isDisabled={busy}
          onChange={(dataset) => changeHubRows({ dataset: dataset.trim() })}
        />
        <TextEntry
          label="Configuration"
          value={rows.config}
          isDisabled={busy}
          onChange={(config) => changeHubRows({ config })}
        />
        <TextEntry
          label="Split"
          value={rows.split}
          isDisabled={busy}
          onChange={(split) => changeHubRows({ split })}
        />
      </div>
      <Segments
        label="How many"
        value={rows.rows === null ? 'all' : 'some'}
        isDisabled={busy}
        options={[
          { id: 'some', label: 'The first rows' },
          { id: 'all', label: 'All of the split' },
        ]}
        onChange={(which) => changeHubRows({ rows: which === 'all' ? null : SOME_ROWS })}
      />
      {rows.rows !== null && (
        <NumberField
          whole
          label="Rows, from the first"
          unit="rows"
          limits={limitsOf([FEWEST_ROWS, Number.POSITIVE_INFINITY], SOME_ROWS)}
          value={rows.rows}
          isDisabled={busy}
          onChange={(count) => changeHubRows({ rows: count })}
        />
      )}
      {error !== null && <p className="field-error">{error}</p>}
      <div className="actions">
        <Button isDisabled={busy || error !== null} onPress={() => void fetchHubRows()}>
          {arrived > 0 ? 'Fetch the rest of the rows' : 'Fetch rows'} from{' '}
          {hostsOf(placeOf(hub, sources), sources).rows}
        </Button>
      </div>
      {arrived > 0 && !busy && (
        <p className="help">
          {integer(arrived)} rows have arrived. They are kept until this page is closed: fetching goes on from
          there.
        </p>
      )}
      <p className="help">
        The dataset viewer returns rows as JSON, a hundred at a time, about 1 kB each. Only the names above
        are sent. For the licence, see the data set’s page.
      </p>
      <TaskStatus
        task={fetching}
        label="Fetching rows"
        onCancel={cancelFetching}
        cancelLabel="Cancel fetching"
        failed="The rows were not fetched"
      />
      {busy && waiting && (
        <p className="help" role="status">
          {waiting.why}: next attempt in {duration(waiting.pause)}
        </p>
      )}
    </>
  );
}
