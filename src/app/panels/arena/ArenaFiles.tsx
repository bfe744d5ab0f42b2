import { useState } from 'react';
import { FileTrigger } from 'react-aria-components';
import { type Arena, formatArena, standings } from '../../../contract/arena';
import { type Failure, failureOf } from '../../store/task';
import { useActions } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { download } from '../../ui/download';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { csv } from '../../ui/format';
import { markdownOf, runTable } from './words';

/** Bytes of the largest file that is read. */
const MAX_FILE = 4e6;

/** An arena out to files and in from one. */
export function ArenaFiles({ arena }: { readonly arena: Arena }) {
  const { readArena } = useActions();
  const [failure, setFailure] = useState<Failure | null>(null);
  const take = async (files: FileList | null) => {
    const file = files?.[0];
    if (!file) return;
    setFailure(null);
    try {
      if (file.size > MAX_FILE)
        throw Object.assign(new Error(`${file.name} has ${file.size} bytes; at most ${MAX_FILE} are read`), {
          code: 'file',
          hint: 'Choose a file that was downloaded from the Arena.',
        });
      readArena(await file.text());
    } catch (thrown) {
      setFailure(failureOf(thrown));
    }
  };
  const table = runTable(arena);
  return (
    <>
      <FileTrigger acceptedFileTypes={['application/json', '.json']} onSelect={(files) => void take(files)}>
        <Button>Load an arena</Button>
      </FileTrigger>
      <Button onPress={() => download('arena.json', formatArena(arena), 'application/json')}>
        Download arena (JSON)
      </Button>
      {arena.runs.length > 0 && (
        <>
          <Button onPress={() => download('arena.csv', csv([table.columns, ...table.rows]), 'text/csv')}>
            CSV
          </Button>
          <Button onPress={() => download('arena.md', markdownOf(standings(arena)), 'text/markdown')}>
            Markdown
          </Button>
        </>
      )}
      {failure && <ErrorNotice title="The file cannot be used" error={failure} />}
    </>
  );
}
