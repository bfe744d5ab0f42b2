import type { AnswerReport, TokenProbability } from './events';

/** What the stepper shows of one thought, and of an answer with interventions. Plain data, from the engine to the page. */

/** A distribution over tokens as far as it is shown. */
export interface ShownTokens {
  /** Most probable first. */
  readonly top: readonly TokenProbability[];
  /** Of the whole distribution, in nats. */
  readonly entropy: number;
}

/** What is fed at a step, exactly. */
export interface FedThought extends ShownTokens {
  /** `[H]`, after interventions on it. `top` and `entropy` are of what it was made from, before them. */
  readonly values: Float32Array<ArrayBuffer>;
  readonly norm: number;
  /** Its norm before interventions on it; equal to `norm` where there are none. */
  readonly normBefore: number;
  /** Whether an intervention at `latent` made it. */
  readonly isChanged: boolean;
}

/** What comes after a step: the next thought before any intervention on it, or the tokens of the answer's prompt. */
export type NextFed =
  | ({ readonly kind: 'thought' } & Omit<FedThought, 'normBefore' | 'isChanged'>)
  | { readonly kind: 'prompt'; readonly tokens: readonly string[] };

/** A column that a position may attend to. */
export interface AttendedColumn {
  readonly text: string;
  /** A token of the question, or thought `step`. */
  readonly step: number | null;
}

/** Where the states of a position stand beside those of the teacher's rationale on the same question, at one layer. */
export interface TeacherDistance {
  readonly layer: number;
  /** The rationale's token whose state is nearest: its place (from 0), text, ‖h − t‖/‖t‖ and cosine. */
  readonly nearest: {
    readonly index: number;
    readonly text: string;
    readonly distance: number;
    readonly cosine: number;
  };
  /** To the mean of the rationale's states, ‖h − m‖/‖m‖. */
  readonly toMean: number;
  /**
   * Share of ‖h‖² inside the span of the rationale's r leading directions at this layer (uncentred, as LoRi's factors), for
   * r = 1, 2, …
   */
  readonly energy: Float64Array<ArrayBuffer>;
}

export interface ThoughtReport {
  /** 0…K; 0 is the question's last position. */
  readonly step: number;
  /** Absent at step 0. */
  readonly fed: FedThought | null;
  readonly next: NextFed;
  /** Probability with which its stop head ends the reasoning after this step; absent without one. */
  readonly stop?: number;
  /** By layer 1…L: the logit lens, and the state's norm. */
  readonly layers: readonly (ShownTokens & { readonly norm: number })[];
  readonly columns: readonly AttendedColumn[];
  readonly heads: number;
  /** `[L, heads, columns]`: attention of this position, over the columns named; the rows sum to 1. */
  readonly attention: Float32Array<ArrayBuffer>;
  /** By layer 1…L, or what is missing. */
  readonly teacher: readonly TeacherDistance[] | { readonly missing: string };
  /** Of the step itself, without what is read out of it. */
  readonly milliseconds: number;
  /** Steps that had to be run for this, because their states were not there, or no longer kept. */
  readonly ran: number;
}

export interface BranchAnswer extends AnswerReport {
  /** Number of thoughts it follows. */
  readonly step: number;
  /** Without an end token. */
  readonly tokens: readonly string[];
  readonly ran: number;
}

/** An answer before and after interventions. */
export interface AnswerDifference {
  readonly before: BranchAnswer;
  readonly after: BranchAnswer;
  /** Of the answer's first token: those that changed most in probability. */
  readonly first: readonly {
    readonly id: number;
    readonly text: string;
    readonly before: number;
    readonly after: number;
  }[];
  /**
   * KL(before ‖ after) in nats at each token of the answer before, its end token included, given its tokens up to there. Their
   * sum is a sample of the divergence of whole answers.
   */
  readonly divergence: readonly { readonly text: string; readonly nats: number }[];
}
