import type { DropItem } from 'react-aria-components';
import type { NamedFile } from '../../../contract/lens';
import { listed } from '../../../text/quote';

/** Of a folder: names that files of rows have. A file that is dropped by itself may have any. */
const ROWS = /\.(jsonl?|ndjson|csv|tsv|txt)$/i;

/** What was dropped for a data set. */
export interface DroppedData {
  readonly files: readonly NamedFile[];
  /** What is not read of it, and why; null if all is. */
  readonly note: string | null;
}

/** Files as they are, and of folders the files of rows at their top. */
export async function dataOfDrop(items: readonly DropItem[]): Promise<DroppedData> {
  const files: NamedFile[] = [];
  const rest: string[] = [];
  const take = async (item: DropItem & { readonly kind: 'file' }) =>
    files.push({ name: item.name, data: await item.getFile() });
  for (const item of items) {
    if (item.kind === 'file') await take(item);
    else if (item.kind === 'text') rest.push('a text that is no file');
    else
      for await (const entry of item.getEntries())
        if (entry.kind === 'file' && ROWS.test(entry.name)) await take(entry);
        else rest.push(entry.name);
  }
  return { files, note: noteOn(files, rest) };
}

function noteOn(files: readonly NamedFile[], rest: readonly string[]): string | null {
  const why =
    'Of a folder, files at its top are read whose names end in .jsonl, .json, .ndjson, .csv, .tsv or .txt.';
  if (rest.length > 0) return `Not read: ${listed(rest)}. ${why}`;
  return files.length > 0 ? null : `Nothing was read: there was no file in what was dropped. ${why}`;
}
