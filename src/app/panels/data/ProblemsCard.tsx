import type { DataReport } from '../../../contract/data';
import { DataTable } from '../../ui/DataTable';
import { integer } from '../../ui/format';
import { Panel } from '../../ui/Panel';

const listedOf = (listed: number, all: number) =>
  listed < all ? `the first ${listed} of ${integer(all)}` : `${integer(all)}`;

/** Rows that were left out, each with the reason. */
export function ProblemsCard({ report }: { readonly report: DataReport }) {
  const { malformed, malformedRows, duplicates, duplicateRows } = report;
  if (malformed + duplicates === 0) return null;
  return (
    <Panel title="Left out" about="The others are loaded.">
      {malformed > 0 && (
        <details open={report.rows === 0}>
          <summary>Malformed rows: {listedOf(malformedRows.length, malformed)}</summary>
          <DataTable
            caption="Malformed rows"
            columns={['File', 'Line', 'Reason']}
            rows={malformedRows.map(({ file, line, reason }) => [file, line, reason])}
            max={malformedRows.length}
          />
        </details>
      )}
      {duplicates > 0 && (
        <details>
          <summary>
            Rows whose question another row has, spaces and letter case aside:{' '}
            {listedOf(duplicateRows.length, duplicates)}
          </summary>
          <DataTable
            caption="Duplicates"
            columns={['Row', 'Line', 'Same question as', 'Answer']}
            rows={duplicateRows.map(({ id, line, of, sameAnswer }) => [
              id,
              line,
              of,
              sameAnswer ? 'the same' : 'another',
            ])}
            max={duplicateRows.length}
          />
        </details>
      )}
    </Panel>
  );
}
