import type { HostTensor } from './dtype';

/**
 * A batch of B tokenized problems for training a student. Questions are left-padded to S columns, everything after them
 * is right-padded; targets have weights that sum to 1 over the batch (0 on padding), so that a weighted sum is the mean
 * over real targets.
 */
export interface TokenBatch {
  /** ids i32 [B, S]; keyMask additive f32 [B, 1, 1, S]: 0 on tokens, −1e9 on padding. */
  readonly question: { readonly ids: HostTensor; readonly keyMask: HostTensor };
  /** After the latents: answer prompt (P tokens) and answer, without the last token: ids [B, P+A−1]; targets, weights [B, A]. */
  readonly answer: TokenTargets & { readonly ids: HostTensor };
  /** Prompt and answer as targets, of the same ids: targets, weights [B, P+A]. */
  readonly reply: TokenTargets;
  /**
   * The explicit pass: rationale, prompt, answer, without the last token: ids [B, R−1]; targets, weights [B, R]; `anchors` i32
   * [B], where among the ids the prompt's last token is.
   */
  readonly explicit: TokenTargets & { readonly ids: HostTensor; readonly anchors: HostTensor };
}

export interface TokenTargets {
  readonly targets: HostTensor;
  readonly weights: HostTensor;
}

/** The fixed lengths a step is compiled for. */
export interface TokenLayout {
  /** B */
  readonly batch: number;
  /** S, question columns */
  readonly question: number;
  /** P, tokens of the answer prompt; its last one is the anchor */
  readonly prompt: number;
  /** A, answer tokens including the end of sequence */
  readonly answer: number;
  /** R, tokens of rationale, prompt, answer and end of sequence together */
  readonly explicit: number;
}

/** The additive mask value that hides a key: it vanishes in a softmax, and the sum of two does not overflow. */
export const HIDDEN = -1e9;
