/** Whole numbers as people write them: `1-4, 8`. */

export interface Bounds {
  readonly least: number;
  readonly most: number;
  /** What the numbers are, in the singular: `layer`. */
  readonly name: string;
}

export type ParsedRanges =
  | { readonly values: readonly number[]; readonly error: null }
  | { readonly values: null; readonly error: string };

/** The numbers of `1-4, 8`, ascending, each once; or what is wrong with which part. */
export function parseRanges(text: string, { least, most, name }: Bounds): ParsedRanges {
  const found = new Set<number>();
  const wrong = (error: string): ParsedRanges => ({ values: null, error });
  const parts = text.split(/[,;]/).map((part) => part.trim());
  if (parts.every((part) => part === '')) {
    return wrong(`Name at least one ${name} from ${least} to ${most}, such as "${exampleOf(least, most)}".`);
  }
  for (const part of parts) {
    if (part === '') return wrong('There is nothing between two commas, or before or after one.');
    const match = /^(\d+)(?:\s*(?:-|–|…|\.\.)\s*(\d+))?$/.exec(part);
    if (!match)
      return wrong(`"${part}" is no whole number and no range such as "${exampleOf(least, most)}".`);
    const from = Number(match[1]);
    const to = Number(match[2] ?? match[1]);
    if (from > to) return wrong(`"${part}" runs backwards: write ${to}-${from}.`);
    for (const end of [from, to]) {
      if (end < least || end > most) {
        return wrong(`There is no ${name} ${end}: they are ${least} to ${most}.`);
      }
    }
    for (let value = from; value <= to; value++) found.add(value);
  }
  return { values: [...found].sort((a, b) => a - b), error: null };
}

const exampleOf = (least: number, most: number) => (most > least ? `${least}-${most}` : `${least}`);

/** The numbers as ranges: `1-4, 8`. Two in a row stay apart. */
export function formatRanges(values: readonly number[]): string {
  const sorted = [...new Set(values)].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < sorted.length; ) {
    let end = i;
    while (sorted[end + 1] === sorted[end]! + 1) end++;
    if (end - i >= 2) parts.push(`${sorted[i]}-${sorted[end]}`);
    else for (let j = i; j <= end; j++) parts.push(`${sorted[j]}`);
    i = end + 1;
  }
  return parts.join(', ');
}
