import { useState } from 'react';
import { runName, searchRuns } from '../../../store/run-names';
import { useActions, useApp } from '../../../store/use-app';
import { Boundary } from '../../../ui/Boundary';
import { Button } from '../../../ui/Button';
import { ErrorNotice } from '../../../ui/ErrorNotice';
import { Panel } from '../../../ui/Panel';
import { TextEntry } from '../../../ui/TextEntry';
import { DamagedRow, RunRow } from './RunRow';

/** From how many runs on there is a search. */
const MANY = 3;

/** Runs kept in this browser, with their students. */
export function KeptRuns() {
  const saved = useApp((state) => state.saved);
  const damaged = useApp((state) => state.damaged);
  const deleted = useApp((state) => state.deleted);
  const methods = useApp((state) => state.methods);
  const opening = useApp((state) => state.opening);
  const { undoDelete } = useActions();
  const [words, setWords] = useState('');
  if (saved.length === 0 && damaged.length === 0 && deleted === null) return null;
  const found = searchRuns(saved, words, methods);
  return (
    <Panel
      title="Kept runs"
      about="Curves, results, configurations and students, in this browser. Use a student in Latents and Low-rank, resume an interrupted run, compare runs, or take one elsewhere: a run bundle is loaded with Load a run file, and a PyTorch program continues training from the kept step on other machines."
    >
      {saved.length >= MANY && (
        <TextEntry
          label="Search"
          value={words}
          onChange={setWords}
          placeholder="name, tag or setting: seed 3"
        />
      )}
      {deleted !== null && (
        <p role="status" className="actions">
          <span>Deleted: {runName(deleted, methods)}.</span>
          <Button look="quiet" onPress={() => void undoDelete()}>
            Undo
          </Button>
        </p>
      )}
      {opening.status === 'failed' && (
        <ErrorNotice title="The student could not be opened" error={opening.error} />
      )}
      <ul className="saved">
        {found.map((run) => (
          <Boundary key={run.id} name="This run">
            <RunRow run={run} />
          </Boundary>
        ))}
        {damaged.map((row) => (
          <DamagedRow key={row.id} row={row} />
        ))}
      </ul>
      {found.length < saved.length && (
        <p className="help" role="status">
          {found.length === 0 ? 'No run' : `${found.length} of ${saved.length} runs`} found.
        </p>
      )}
    </Panel>
  );
}
