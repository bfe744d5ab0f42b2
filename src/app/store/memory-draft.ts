import { entriesFor, type FormEntries } from './form-link';
import { type WholeRange, whole } from './whole';

/** The sizes that memory is estimated for. */
export interface MemoryDraft {
  readonly sequences: number;
  readonly tokens: number;
  /** Hidden states up to this layer; `null` for all. */
  readonly layers: number | null;
}

export const initialMemory: MemoryDraft = { sequences: 4, tokens: 64, layers: null };

/** @param L the model's layers, where they are known */
export const memoryRanges = (L = 4096): { readonly [Field in keyof MemoryDraft]: WholeRange } => ({
  sequences: [1, 1_000_000],
  tokens: [1, 1_000_000],
  layers: [1, L],
});

export function memoryErrors(draft: MemoryDraft, L: number): ReadonlyMap<keyof MemoryDraft, string> {
  const errors = new Map<keyof MemoryDraft, string>();
  for (const [field, range] of Object.entries(memoryRanges(L)) as [keyof MemoryDraft, WholeRange][]) {
    const error = whole(draft[field] ?? L, ...range);
    if (error !== null) errors.set(field, error);
  }
  return errors;
}

const of = entriesFor<MemoryDraft>();
const ranges = memoryRanges();

export const memoryEntries: FormEntries<MemoryDraft> = {
  'memory-batch': of.count('sequences', ranges.sequences),
  'memory-tokens': of.count('tokens', ranges.tokens),
  'memory-layers': of.count('layers', ranges.layers),
};
