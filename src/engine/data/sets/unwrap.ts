import { listed } from '../../../text/quote';
import { FileError } from '../../base/errors';
import { detectFormat } from './formats';
import type { Fields, RawRecord } from './raw';

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The rows of a file that is one object around a list of them, such as `{"data": [ … ]}` or the answer of the Hub's dataset
 * viewer (`{"features": …, "rows": [{"row": { … }}]}`), or whose rows are the viewer's, one a line (most of them; `field` is then null); null
 * if the file is something else. Lines inside one object are those of the object.
 * @throws FileError where it is not clear which list is meant
 */
export function unwrapped(
  records: readonly RawRecord[],
  name: string,
): { readonly records: readonly RawRecord[]; readonly field: string | null } | null {
  // What is no record, such as a line that is cut off, says nothing of the others.
  const known = records.flatMap(({ fields }) => (fields === undefined ? [] : [fields]));
  if (known.filter(isViewerRow).length * 2 > known.length)
    return {
      field: null,
      records: records.map((record) =>
        record.fields !== undefined && isViewerRow(record.fields) ? viewerRow(record.fields, record) : record,
      ),
    };
  const [only] = records;
  if (records.length !== 1 || only?.fields === undefined || detectFormat([only.fields]) !== null) return null;
  const lists = Object.entries(only.fields).filter(
    (entry): entry is [string, unknown[]] => Array.isArray(entry[1]) && isFields(entry[1][0]),
  );
  const viewer = lists.find(
    ([field, items]) => field === 'rows' && items.every((item) => isFields(item) && isFields(item.row)),
  );
  const [list] = viewer ? [viewer] : lists;
  if (list === undefined) return null;
  if (!viewer && lists.length > 1)
    throw new FileError(
      `${name} is one object with several lists: ${listed(lists.map(([field]) => JSON.stringify(field)))}`,
      'Save the list that is meant as a file of its own.',
    );
  const { line, end } = only;
  return {
    field: list[0],
    records: list[1].map((item): RawRecord => {
      if (!isFields(item)) return { line, end, reason: 'an item of the list is not an object' };
      return viewer ? viewerRow(item, { line, end }) : { line, end, fields: item };
    }),
  };
}

const isViewerRow = (fields: Fields): boolean =>
  isFields(fields.row) && typeof fields.row_idx === 'number' && Array.isArray(fields.truncated_cells);

/** A row of the dataset viewer; one with cells that it has cut off is none. */
function viewerRow(item: Fields, { line, end }: Pick<RawRecord, 'line' | 'end'>): RawRecord {
  const cut = item.truncated_cells;
  return Array.isArray(cut) && cut.length > 0
    ? { line, end, reason: `the viewer has cut off ${listed(cut.map(String))}` }
    : { line, end, fields: item.row as Fields };
}
