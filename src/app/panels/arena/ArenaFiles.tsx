import { type Arena, formatArena, standings } from '../../../contract/arena';
import { arenaNote, markdownOf } from '../../../contract/arena-table';
import { useActions } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { CsvButton } from '../../ui/CsvButton';
import { download } from '../../ui/download';
import { OpenJsonFile } from '../shared/OpenFile';
import { runTable } from './words';

/** Bytes of the largest file that is read. */
const MAX_FILE = 4e6;

function markdown(arena: Arena): string {
  const found = standings(arena);
  return markdownOf(found, arenaNote(arena, found));
}

/** An arena out to files and in from one. */
export function ArenaFiles({ arena }: { readonly arena: Arena }) {
  const { readArena } = useActions();
  const table = runTable(arena);
  return (
    <>
      <OpenJsonFile
        label="Load an arena"
        max={MAX_FILE}
        hint="Choose a file that was downloaded from the Arena."
        read={readArena}
      />
      <Button onPress={() => download('arena.json', formatArena(arena), 'application/json')}>
        Download arena (JSON)
      </Button>
      {arena.runs.length > 0 && (
        <>
          <CsvButton look="plain" fileName="arena" rows={() => [table.columns, ...table.rows]} />
          <Button onPress={() => download('arena.md', markdown(arena), 'text/markdown')}>Markdown</Button>
        </>
      )}
    </>
  );
}
