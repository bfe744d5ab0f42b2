import type { DataRow } from '../../../contract/data';
import { quote } from '../../../text/quote';
import type { Fields } from './raw';

/** Reading the fields of one row. */

/** What a row says, without its place. */
export type RowContent = Pick<DataRow, 'question' | 'rationale' | 'steps' | 'answer' | 'reference'>;

/** Why a record is not a row of the format. */
export class Malformed extends Error {}

export const has = (fields: Fields, ...names: string[]): boolean =>
  names.every((name) => Object.hasOwn(fields, name));

/** Text that must be there. */
export function text(fields: Fields, name: string): string {
  const value = fields[name];
  const said = typeof value === 'number' ? numberText(value) : value;
  if (typeof said !== 'string') throw new Malformed(`${name} is ${quote(value)}; a text is expected`);
  if (said.trim() === '') throw new Malformed(`${name} is empty`);
  return said.trim();
}

export const optional = (fields: Fields, name: string | undefined): string => {
  const value = name === undefined ? undefined : fields[name];
  if (value === undefined || value === null || value === '') return '';
  if (Array.isArray(value)) return texts(fields, name as string).join(' ');
  return text(fields, name as string);
};

export function texts(fields: Fields, name: string): string[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw new Malformed(`${name} is ${quote(value)}; a list of texts is expected`);
  return value.map((item, i) => {
    if (typeof item !== 'string') throw new Malformed(`${name}[${i}] is ${quote(item)}; a text is expected`);
    return item.trim();
  });
}

/** A number in digits, without an exponent, so that rules that look for digits read it whole. */
function numberText(value: number): string {
  const shown = String(value);
  if (!shown.includes('e')) return shown;
  return Math.abs(value) >= 1 ? BigInt(value).toString() : value.toFixed(20).replace(/0+$/, '');
}

export const CALCULATION = /<<[^<>]*>>/g;

/** Calculations, if there are any; else non-empty lines, or of a single line its sentences. */
export function stepsOf(rationale: string): string[] {
  const calculations = rationale.match(CALCULATION);
  if (calculations) return [...calculations];
  const lines = linesOf(rationale);
  return lines.length === 1 ? sentencesOf(lines[0] as string) : lines;
}

/** Parts that end in a full stop and a space, as CODI splits the chains of GSM8k-Aug-NL: numbers such as 2.5 stay whole. */
const sentencesOf = (line: string): string[] => line.split(/(?<=\.) +/).filter((sentence) => sentence !== '');

export const linesOf = (rationale: string): string[] =>
  rationale
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
