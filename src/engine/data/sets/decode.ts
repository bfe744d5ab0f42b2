import { FileError } from '../../base/errors';

/** A file's text, and how its bytes were read. */
export interface DecodedText {
  readonly text: string;
  readonly encoding: 'UTF-8' | 'UTF-16LE' | 'UTF-16BE';
}

/** Where a byte that is not of the encoding was, the text has U+FFFD: rows with one are refused, the others load. */
export const REPLACEMENT = '\ufffd';

const ASCII = (bytes: Uint8Array, count: number): string => String.fromCharCode(...bytes.subarray(0, count));

/**
 * Bytes → text: UTF-8, or UTF-16 where a byte order mark says so. The mark itself is dropped.
 * @throws FileError for what is no text, by name where it is a file people often have by mistake
 */
export function decodeText(bytes: Uint8Array, name: string): DecodedText {
  refuseOtherFiles(bytes, name);
  const [a, b] = bytes;
  const encoding = a === 0xff && b === 0xfe ? 'UTF-16LE' : a === 0xfe && b === 0xff ? 'UTF-16BE' : 'UTF-8';
  const text = new TextDecoder(encoding.toLowerCase()).decode(bytes);
  if (text.slice(0, 65_536).includes('\0'))
    throw new FileError(
      `${name} holds zero bytes: it is not a text, or UTF-16 without a byte order mark`,
      'Save it as UTF-8 text: JSON lines, JSON, CSV or TSV.',
    );
  return { text, encoding };
}

function refuseOtherFiles(bytes: Uint8Array, name: string): void {
  const start = ASCII(bytes, Math.min(bytes.length, 512));
  const [a, b] = bytes;
  const refuse = (what: string, hint: string): never => {
    throw new FileError(`${name} is ${what}, not rows of text`, hint);
  };
  if (start.startsWith('PAR1'))
    refuse(
      'a Parquet file',
      'Write it as JSON lines first, in Python: datasets.load_dataset("parquet", data_files=…)["train"].to_json("rows.jsonl").',
    );
  if (start.startsWith('PK\x03\x04'))
    refuse('a zip archive or an Excel workbook', 'Unpack it, or save the sheet as CSV (UTF-8).');
  if (a === 0x1f && b === 0x8b) refuse('a gzip archive', 'Unpack it first: gunzip file.gz.');
  if (start.startsWith('version https://git-lfs'))
    refuse('a Git LFS pointer', 'Run "git lfs pull" in the repository, or download the file from its page.');
  if (/^\s*<(!doctype|html|\?xml)/i.test(start))
    refuse('a web page', 'Download the file itself ("raw" or "download"), not the page that shows it.');
}
