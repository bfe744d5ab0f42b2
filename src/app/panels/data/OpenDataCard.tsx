import { useState } from 'react';
import { type DropItem, DropZone, FileTrigger, Text } from 'react-aria-components';
import { BUNDLED_ROWS } from '../../../contract/data';
import type { NamedFile } from '../../../contract/lens';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { ErrorNotice, Notice } from '../../ui/ErrorNotice';
import { bytes } from '../../ui/format';
import { Panel } from '../../ui/Panel';
import { Progress } from '../../ui/Progress';
import { dataOfDrop } from './dropped-data';
import { HubData } from './HubData';

const named = (files: Iterable<File>): NamedFile[] =>
  [...files].map((file) => ({ name: file.name, data: file }));

/** Opening a data set: files of the person’s, or the rows that come with the page. */
export function OpenDataCard({ isAnother = false }: { readonly isAnother?: boolean }) {
  const report = useApp((state) => state.data.report);
  const from = useApp((state) => state.data.from);
  // A link with settings but no set, which was made of files that no link carries.
  const isSetless = useApp(
    ({ link, data }) => data.from === null && !data.asked?.origin && Object.keys(link.data).length > 0,
  );
  const { openData, openBundledRows, changeReading, cancelData } = useActions();
  const busy = isBusy(report);
  const [note, setNote] = useState<string | null>(null);
  const take = (files: readonly NamedFile[], said: string | null = null) => {
    setNote(said);
    if (files.length > 0) void openData(files);
  };
  const takeDropped = async (items: readonly DropItem[]) => {
    const dropped = await dataOfDrop(items);
    take(dropped.files, dropped.note);
  };
  return (
    <Panel
      title={isAnother ? 'Another data set' : 'Open a data set'}
      about="It stays in this browser. The format is detected from the content; rows that cannot be read are listed, and the others are loaded."
    >
      <DropZone
        className="drop-zone data-drop"
        isDisabled={busy}
        onDrop={({ items }) => void takeDropped(items)}
      >
        <Text slot="label">Drop files or a folder here</Text>
        <span className="help">JSON lines, JSON, CSV, TSV, or the text lines of implicit CoT</span>
        <div className="actions">
          <FileTrigger allowsMultiple onSelect={(list) => take(named(list ?? []))}>
            <Button isDisabled={busy}>Choose files</Button>
          </FileTrigger>
          <Button
            look={isAnother ? 'plain' : 'primary'}
            isDisabled={busy}
            onPress={() => void openBundledRows()}
          >
            Use 128 GSM8K rows
          </Button>
        </div>
      </DropZone>
      {isSetless && (
        <Notice kind="info">
          The link names no data set: files of one’s own, and sets of a mirror, are in no link. Open the set
          here, and the link’s settings apply to it.
        </Notice>
      )}
      {note !== null && <Notice kind="warning">{note}</Notice>}
      <HubData />
      {!report.value && from !== null && !busy && (
        <div className="actions">
          <Button onPress={() => void changeReading({})}>
            Read {'url' in from ? BUNDLED_ROWS.label : from.map(({ name }) => name).join(', ')} again
          </Button>
        </div>
      )}
      {busy && (
        <Progress
          label="Reading the data set"
          {...report.progress}
          onCancel={cancelData}
          cancelLabel="Cancel reading"
          isCancelling={report.status === 'cancelling'}
        />
      )}
      {report.status === 'failed' && <ErrorNotice title="The data set was not read" error={report.error} />}
      {!isAnother && (
        <p className="muted">
          {BUNDLED_ROWS.rows} GSM8K rows come with the page ({bytes(BUNDLED_ROWS.bytes)}, MIT licence,
          OpenAI), drawn with seed {BUNDLED_ROWS.seed} from the first 1,024 of the train split.
        </p>
      )}
    </Panel>
  );
}
