/** Hidden states of one sample at the chosen positions, at the layers that were gathered. */
export interface SampleStates {
  readonly id: string;
  /** A description of the sample: its question. */
  readonly about: string;
  /** N, number of positions. */
  readonly tokens: number;
  /** hidden_states[1..L], or those of `chosen`: [N, L, H]. */
  readonly states: Float32Array<ArrayBuffer>;
  /** The section of each position, [N]: an index into the contract's SECTIONS. */
  readonly sections: Uint8Array<ArrayBuffer>;
  /** The text of each position's token (`z₁`… of latents), [N]. */
  readonly texts: readonly string[];
}

/** The hidden states of one model on several samples. */
export interface GatheredStates {
  /** L, how many layers were gathered: the first ones, unless `chosen` says otherwise. */
  readonly layers: number;
  /** Which layers, of 0 … L, where they are not the first ones; what analyses states by layer does not take these. */
  readonly chosen?: readonly number[] | undefined;
  /** H */
  readonly hidden: number;
  /** Number of each sample's first token, where only a span of them is there; default 1. */
  readonly first?: number | undefined;
  readonly samples: readonly SampleStates[];
}
