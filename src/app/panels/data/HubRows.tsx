import { HUB_SETS, hubRowsError, VIEWER_HOST } from '../../store/data';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Choice } from '../../ui/Choice';
import { FieldName, NumberField } from '../../ui/Field';
import { TextEntry } from '../../ui/TextEntry';
import { TaskStatus } from '../shared/TaskStatus';

const OTHER = 'other';

/** Rows of a data set on the Hub. Nothing is fetched before the button that names the host is pressed. */
export function HubRows() {
  const hub = useApp((state) => state.data.hub);
  const fetching = useApp((state) => state.data.fetching);
  const { changeHubRows, fetchHubRows, cancelFetching } = useActions();
  const busy = isBusy(fetching);
  const known = HUB_SETS.find(
    ({ dataset, config, split }) => dataset === hub.dataset && config === hub.config && split === hub.split,
  );
  const error = hubRowsError(hub);
  return (
    <details className="data-hub">
      <summary>From the Hugging Face Hub</summary>
      <div className="data-fields">
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
            value={hub.dataset}
            placeholder="owner/name"
            isDisabled={busy}
            onChange={(dataset) => changeHubRows({ dataset: dataset.trim() })}
          />
          <TextEntry
            label="Configuration"
            value={hub.config}
            isDisabled={busy}
            onChange={(config) => changeHubRows({ config })}
          />
          <TextEntry
            label="Split"
            value={hub.split}
            isDisabled={busy}
            onChange={(split) => changeHubRows({ split })}
          />
          <NumberField
            whole
            label="Rows, from the first"
            value={hub.rows}
            isDisabled={busy}
            onChange={(rows) => changeHubRows({ rows })}
          />
        </div>
        {error !== null && <p className="field-error">{error}</p>}
        <div className="actions">
          <Button isDisabled={busy || error !== null} onPress={() => void fetchHubRows()}>
            Fetch rows from {VIEWER_HOST}
          </Button>
        </div>
        <p className="help">
          The Hub’s dataset viewer returns rows as JSON, a hundred at a time, about 1 kB each. Only the names
          above are sent. For the licence, see the data set’s page.
        </p>
        <TaskStatus
          task={fetching}
          label="Fetching rows"
          onCancel={cancelFetching}
          cancelLabel="Cancel fetching"
          failed="The rows were not fetched"
        />
      </div>
    </details>
  );
}
