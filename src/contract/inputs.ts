import type { RunConfig } from './config';
import type { PreviewToken } from './tokens';

/** The tokens of a sample as a run's batch has them, before anything is run. */

export interface InputsRequest {
  /** Who reads it, and by which method. */
  readonly config: RunConfig;
  /** A row of the opened data set by its id; or one of the run's training samples, from 0. */
  readonly of:
    | { readonly kind: 'row'; readonly id: string }
    | { readonly kind: 'training'; readonly index: number };
}

/** What a part is; `own`: targets that only this method has, named after their input. */
export type InputPart =
  | 'question'
  | 'rationale'
  | 'taught'
  | 'prompt'
  | 'answer'
  | 'fed'
  | { readonly own: string };

/** Tokens of the vocabulary, or positions that have none: added tokens with embeddings of their own, and latents. */
export type InputSegment =
  | {
      readonly kind: 'tokens';
      readonly part: InputPart;
      /** The first of them. */
      readonly tokens: readonly PreviewToken[];
      readonly count: number;
      /** How many of them are the unknown token, and the words that it stands for, each once, as far as they can be told. */
      readonly unknown: { readonly count: number; readonly words: readonly string[] };
    }
  | { readonly kind: 'added' | 'latents'; readonly count: number };

/** A stage of the method's curriculum, or the whole run. */
export interface InputStage {
  /** Empty without a curriculum. */
  readonly name: string;
  readonly segments: readonly InputSegment[];
  /** Whether its batches are drawn from the student itself, so that nothing but the question is known before. */
  readonly isDrawn: boolean;
}

export interface RunInputs {
  /** `row-17`, `train-3` */
  readonly id: string;
  /** Names of the models that read it; no teacher where the method reads none. */
  readonly student: string;
  readonly teacher: string | null;
  readonly stages: readonly InputStage[];
  /** Tokens of question, rationale, prompt and answer together, and positions that the student has, if its files say. */
  readonly count: number;
  readonly positions: number | null;
  /** Why a run leaves this row out. */
  readonly leftOut: string | null;
  /** How many training samples there are; null for a row. */
  readonly samples: number | null;
}
