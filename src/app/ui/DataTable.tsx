import type { ReactNode } from 'react';
import { HeadRow } from './HeadRow';
import { Scroller } from './Scroller';

export interface DataTableProps {
  readonly caption: ReactNode;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | null)[])[];
  /** Most rows shown; of more, every second, third … and the last. */
  readonly max?: number;
}

/** A table of values in a region that scrolls; the first column heads its row. */
export function DataTable({ caption, columns, rows, max = 100 }: DataTableProps) {
  const every = Math.max(1, Math.ceil(rows.length / max));
  const shown = rows.filter((_, i) => i % every === 0 || i === rows.length - 1);
  return (
    <Scroller className="table-scroll" label="table">
      <table>
        <caption>
          <span className="caption-text">
            {caption}
            {every > 1 && `, one row in ${every} of ${rows.length}`}
          </span>
        </caption>
        <HeadRow names={columns} />
        <tbody>
          {shown.map((row, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows have no identity but their place
            <tr key={i}>
              {row.map((cell, j) =>
                j === 0 ? (
                  // biome-ignore lint/suspicious/noArrayIndexKey: as above
                  <th key={j} scope="row">
                    {cell}
                  </th>
                ) : (
                  // biome-ignore lint/suspicious/noArrayIndexKey: as above
                  <td key={j}>{cell ?? '–'}</td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}
