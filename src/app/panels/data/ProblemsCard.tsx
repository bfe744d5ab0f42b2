import type { DataReport } from '../../../contract/data';
import { integer } from '../../ui/format';
import { HeadRow } from '../../ui/HeadRow';
import { Panel } from '../../ui/Panel';
import { Scroller } from '../../ui/Scroller';

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
          <TextTable
            caption="Malformed rows"
            columns={['File', 'Line', 'Reason']}
            rows={malformedRows.map(({ file, line, reason }) => [file, line, reason])}
          />
        </details>
      )}
      {duplicates > 0 && (
        <details>
          <summary>
            Duplicates, whose questions differ only in spaces, letter case or the width of characters:{' '}
            {listedOf(duplicateRows.length, duplicates)}
          </summary>
          <TextTable
            caption="Duplicates"
            columns={['Row', 'Line', 'Same question as', 'Answer']}
            rows={duplicateRows.map(({ id, line, of, sameAnswer }) => [
              id,
              line,
              of,
              sameAnswer ? 'the same' : 'another',
            ])}
          />
        </details>
      )}
    </Panel>
  );
}

/** A table of words: aligned to the left, every row shown. */
function TextTable({
  caption,
  columns,
  rows,
}: {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}) {
  return (
    <Scroller className="data-scroll data-list" label={caption}>
      <table className="data-table">
        <caption className="visually-hidden">{caption}</caption>
        <HeadRow names={columns} />
        <tbody>
          {rows.map((cells, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows have no identity but their place
            <tr key={i}>
              {cells.map((cell, j) => (
                <td key={columns[j]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}
