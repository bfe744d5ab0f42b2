import type { Section, Source, Subject } from './lens';

/** Hidden states as files, for numpy, PyTorch and everything else that reads .npy or safetensors. */
export const STATES_FORMATS = ['npy', 'safetensors'] as const;
export type StatesFormat = (typeof STATES_FORMATS)[number];

/** Tokens from the first to the last, counted from 1; to the end of each sample if there is no last. */
export interface TokenSpan {
  readonly first: number;
  readonly last: number | null;
}

/** A span as typed: `all`, `3-10`, `3-` or `3`. `null` means all. */
export function readSpan(
  text: string,
):
  | { readonly span: TokenSpan | null; readonly error: null }
  | { readonly span: null; readonly error: string } {
  const wrong = (error: string) => ({ span: null, error });
  const trimmed = text.trim().toLowerCase();
  if (trimmed === 'all' || trimmed === '') return { span: null, error: null };
  const found = /^(\d{1,9})\s*(?:([-–])\s*(\d{1,9})?)?$/.exec(trimmed);
  if (!found) return wrong('Write “all”, or tokens counted from 1: “3-10”, “3-” or “3”.');
  const first = Number(found[1]);
  const last = found[2] === undefined ? first : found[3] === undefined ? null : Number(found[3]);
  if (first < 1) return wrong('Tokens are counted from 1.');
  if (last !== null && last < first)
    return wrong(`The last token, ${last}, comes before the first, ${first}.`);
  return { span: { first, last }, error: null };
}

export interface StatesRequest {
  readonly source: Source;
  readonly subject: Subject;
  /** At least one; as in a selection of the lens. */
  readonly sections: readonly Section[];
  /** Layers 1…L, ascending; `null` for all. Layer ℓ is hidden_states[ℓ], the last one after the final norm. */
  readonly layers: readonly number[] | null;
  /** Of each sample's tokens in those sections, which; default all. */
  readonly span?: TokenSpan | null;
  /**
   * `npy`: one float32 array [layers, tokens, H] in C order. `safetensors`: tensors `layers.{ℓ}` [tokens, H], F32, and
   * metadata: model, sha256, text, tokens, token_ids, samples, sections, span, layers, dtype (JSON where a value is a list).
   */
  readonly format: StatesFormat;
}

/** Whose rows they are: samples one after another, tokens in order. */
export interface StatesSample {
  readonly id: string;
  readonly about: string;
  /** Its rows are [from, from + tokens). */
  readonly from: number;
  readonly tokens: number;
  readonly texts: readonly string[];
  /** `null` if a latent was fed. */
  readonly ids: readonly (number | null)[];
}

export interface StatesFile {
  /** `word-problems-cot-teacher.npy` */
  readonly name: string;
  readonly blob: Blob;
  /** Layers, tokens, H. */
  readonly shape: readonly [layers: number, tokens: number, hidden: number];
  readonly layers: readonly number[];
  readonly samples: readonly StatesSample[];
  readonly label: string;
  readonly model: string;
  readonly milliseconds: number;
}
