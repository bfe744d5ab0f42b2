/** Rows as they stand in a file, before it is known what their fields mean. */

export type Fields = Readonly<Record<string, unknown>>;

/** The fields of a row, or why it has none. */
export type Read =
  | { readonly fields: Fields; readonly reason?: undefined }
  | { readonly reason: string; readonly fields?: undefined };

/** `end`: characters of the text read so far. */
export type RawRecord = Read & { readonly line: number; readonly end: number };

/** The field of a text line. */
export const LINE = 'line';

/** `question||steps #### answer` */
export const ICOT = /^(.*?)\|\|(.*)####(.*)$/;

export const BAD_BYTES = 'bytes that are not UTF-8 (shown as \ufffd); save the file as UTF-8';

/** Line ends in a part of a text. */
export function newlines(text: string, from: number, to: number): number {
  let lines = 0;
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) lines++;
  return lines;
}
