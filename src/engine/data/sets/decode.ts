import { FileError } from '../../base/errors';

/** A file's text, and how its bytes were read. */
export interface DecodedText {
  readonly text: string;
  readonly encoding: 'UTF-8' | 'UTF-16LE' | 'UTF-16BE';
}

/**
 * What stands in the text for bytes that are not of the encoding: half of a surrogate pair, which no decoded text has. U+FFFD
 * would not do: a text may hold it by itself.
 */
const BAD = '\udfff';
const BAD_BYTE = /\udfff/u;
const REPLACEMENT = '\ufffd';

/** Whether bytes that are not of the encoding stood in this part of a decoded text: rows with some are refused, the others load. */
export const hasBadBytes = (text: string): boolean => text.includes(BAD) && BAD_BYTE.test(text);

/** A part of a decoded text for a message. */
export const shownText = (text: string): string => text.replaceAll(/\udfff/gu, REPLACEMENT);

const ASCII = (bytes: Uint8Array, count: number): string => String.fromCharCode(...bytes.subarray(0, count));

/**
 * Bytes → text: UTF-8, or UTF-16 where a byte order mark says so. The mark itself is dropped.
 * @throws FileError for what is no text, by name where it is a file people often have by mistake
 */
export function decodeText(bytes: Uint8Array, name: string): DecodedText {
  refuseOtherFiles(bytes, name);
  const [a, b] = bytes;
  const encoding = a === 0xff && b === 0xfe ? 'UTF-16LE' : a === 0xfe && b === 0xff ? 'UTF-16BE' : 'UTF-8';
  const text = textOf(bytes, encoding);
  if (text.slice(0, 65_536).includes('\0'))
    throw new FileError(
      `${name} holds zero bytes: it is not a text, or UTF-16 without a byte order mark`,
      'Save it as UTF-8 text: JSON lines, JSON, CSV or TSV.',
    );
  return { text, encoding };
}

function textOf(bytes: Uint8Array, encoding: DecodedText['encoding']): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return markedText(bytes, encoding);
  }
}

/** The bytes of a U+FFFD that a text holds by itself. In UTF-8 its first byte can only begin a character. */
const OWN: Readonly<Record<DecodedText['encoding'], readonly [number, ...number[]]>> = {
  'UTF-8': [0xef, 0xbf, 0xbd],
  'UTF-16LE': [0xfd, 0xff],
  'UTF-16BE': [0xff, 0xfd],
};

/** The text with every byte that is not of the encoding marked: between the U+FFFD of its own, each one is of the decoder’s making. */
function markedText(bytes: Uint8Array, encoding: DecodedText['encoding']): string {
  const own = OWN[encoding];
  const step = encoding === 'UTF-8' ? 1 : 2;
  const parts: string[] = [];
  let from = 0;
  const take = (to: number) => {
    // A byte order mark stands before the whole text alone.
    const decoder = new TextDecoder(encoding, { ignoreBOM: from > 0 });
    parts.push(decoder.decode(bytes.subarray(from, to)).replaceAll(REPLACEMENT, BAD));
  };
  for (let at = bytes.indexOf(own[0]); at >= 0; at = bytes.indexOf(own[0], at + 1)) {
    if (at % step !== 0 || !own.every((byte, i) => bytes[at + i] === byte)) continue;
    take(at);
    from = at + own.length;
  }
  take(bytes.length);
  return parts.join(REPLACEMENT);
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
