import { spansIn } from './whole';

/** Layers as typed: `all`, or numbers and ranges such as `1-3, 6`. */

const quote = (text: string) => `“${text.length > 30 ? `${text.slice(0, 30)}…` : text}”`;

export type ReadLayers =
  | { readonly layers: readonly number[] | null; readonly error: null }
  | { readonly layers: null; readonly error: string };

const wrong = (error: string): ReadLayers => ({ layers: null, error });

/** Ascending, without repeats; `null` means all, of 1 … L. @param max L, if known  @param lowest that can be chosen */
export function readLayers(text: string, max: number | null, lowest: 0 | 1 = 1): ReadLayers {
  const trimmed = text.trim().toLowerCase();
  if (trimmed === 'all' || trimmed === '') return { layers: null, error: null };
  const found = new Set<number>();
  for (const { part, first, last } of spansIn(trimmed)) {
    if (Number.isNaN(first)) return wrong(`${quote(part)} is not a layer; write “all”, or “1-3, 6”.`);
    if (first < lowest) return wrong('Layers are counted from 1.');
    if (last < first) return wrong(`${quote(part)} runs backwards; write “${last}-${first}”.`);
    if (max !== null && last > max) return wrong(`There is no layer ${last}; the model has ${max}.`);
    for (let layer = first; layer <= last; layer++) found.add(layer);
  }
  return { layers: [...found].sort((a, b) => a - b), error: null };
}

/** The shortest notation for them. */
export function writeLayers(layers: readonly number[] | null): string {
  if (layers === null) return 'all';
  const parts: string[] = [];
  for (let i = 0; i < layers.length; ) {
    let end = i;
    while (layers[end + 1] === layers[end]! + 1) end++;
    parts.push(end === i ? `${layers[i]}` : `${layers[i]}-${layers[end]}`);
    i = end + 1;
  }
  return parts.join(', ');
}
