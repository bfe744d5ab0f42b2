/** The sizes that define a LLaMA- or Qwen2-format decoder: RMSNorm, RoPE, grouped-query attention, SwiGLU. */
export interface DecoderConfig {
  /** H */
  readonly hiddenSize: number;
  /** I */
  readonly intermediateSize: number;
  /** L */
  readonly layers: number;
  readonly heads: number;
  /** Divides `heads`; each key/value head serves heads / kvHeads query heads. */
  readonly kvHeads: number;
  /** d: even (RoPE rotates pairs); heads · d need not equal H. */
  readonly headDim: number;
  /** V */
  readonly vocabSize: number;
  /**
   * Rows of the embedding and of the head that one tensor holds, where the device cannot bind them all: they are then
   * inputs `w.embedding.0`, `w.embedding.1`, … and everything over the vocabulary works chunk by chunk. Absent: one
   * tensor holds all rows.
   */
  readonly vocabularyRows?: number;
  /**
   * Programs take embeddings in place of token ids they are given, looked up in host memory: where the embedding is large
   * and a program would hold all of it for a few rows.
   */
  readonly fedEmbeddings?: boolean;
  /** Positions it was trained with; absent where nothing says so. */
  readonly maxPositions?: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  /** The head is the transposed embedding; there is no `lm_head.weight`. */
  readonly tieWordEmbeddings: boolean;
  /** Biases on q, k and v (Qwen2), on o (llama with `attention_bias`), and on the MLP's linears. */
  readonly attentionBias: boolean;
  readonly attentionOutputBias: boolean;
  readonly mlpBias: boolean;
}
