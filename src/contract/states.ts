import type { Section, Source, Subject } from './lens';
import type { TokenSpan } from './span';

/** Hidden states as files, for numpy, PyTorch and everything else that reads .npy or safetensors. */
export const STATES_FORMATS = ['npy', 'safetensors'] as const;
export type StatesFormat = (typeof STATES_FORMATS)[number];

export interface StatesRequest {
  readonly source: Source;
  readonly subject: Subject;
  /** At least one; as in a selection of the lens. */
  readonly sections: readonly Section[];
  /**
   * Layers 0…L, ascending; `null` for 1…L. Layer ℓ is hidden_states[ℓ], the last one after the final norm; layer 0 is what the first
   * layer is fed: embeddings or a latent, with the vector of its position where positions are learned.
   */
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

/** The table of a file's rows, as of a .npy, which has no place for names: row, sample, token, id. */
export const statesRows = (samples: readonly StatesSample[]): (string | number | null)[][] => [
  ['row', 'sample', 'about', 'token', 'token id'],
  ...samples.flatMap(({ id, about, from, texts, ids }) =>
    texts.map((text, i) => [from + i, id, about, text, ids[i] ?? null]),
  ),
];

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
