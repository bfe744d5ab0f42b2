import { useState } from 'react';
import { FileTrigger } from 'react-aria-components';
import { formatRunFile, MAX_RUN_FILE_LENGTH } from '../../store/run-file';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { CsvButton } from '../../ui/CsvButton';
import { download } from '../../ui/download';
import { FileFailure, useChosenFile } from '../shared/OpenFile';
import { runRows } from './run-rows';

/** A run out to a file and in from one: as it is when the button is pressed, not as the place last drew it. */
export function RunFiles() {
  const run = useApp((state) => state.run);
  const { readRunFile, openRunBundle, showRun } = useActions();
  const methods = useApp((state) => state.methods);
  const [read, setRead] = useState('');
  const has = run.series.step.length > 0;
  const name = `lori-${run.config?.method ?? 'run'}-seed${run.config?.seed ?? 0}`;

  const { failure, take } = useChosenFile(async (file) => {
    setRead('');
    if (/\.zip$/i.test(file.name)) {
      showRun(await openRunBundle(file.name, file));
      setRead(`${file.name} is among the kept runs.`);
      return;
    }
    // Read no more of a file than a run file can have.
    readRunFile(await file.slice(0, 4 * MAX_RUN_FILE_LENGTH + 1).text());
    setRead(`${file.name} is loaded into the form; Start repeats it.`);
  });

  return (
    <>
      <div className="actions">
        <FileTrigger
          acceptedFileTypes={['application/json', '.json', 'application/zip', '.zip']}
          onSelect={take}
        >
          <Button>Load a run file</Button>
        </FileTrigger>
        {has && (
          <>
            <Button onPress={() => download(`${name}.json`, formatRunFile(run), 'application/json')}>
              Download run file
            </Button>
            <CsvButton look="plain" fileName={name} rows={() => runRows(run, methods)}>
              Download CSV
            </CsvButton>
          </>
        )}
        <span role="status" className="help">
          {read}
        </span>
      </div>
      <FileFailure failure={failure} />
    </>
  );
}
