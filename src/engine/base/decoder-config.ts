import type { KeptAs } from './kept';

/**
 * The sizes and options that define a decoder of the families LLaMA, Qwen and GPT-2. Options that are absent are those of
 * LLaMA: RMSNorm, RoPE, grouped-query attention, SwiGLU.
 */
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
  /** d: even where positions are rotary (RoPE rotates pairs); heads · d need not equal H. */
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
  /**
   * How programs keep the matrices of the layers: in 16 bits, or by blocks of 32 in 8 or 4 (base/kept.ts). Absent: as float32.
   * All other weights are float32, but for a large head where weights are bound: it is in 16 bits with the matrices.
   */
  readonly storage?: KeptAs;
  /** Positions it was trained with; absent where nothing says so. Where positions are learned, there are no others. */
  readonly maxPositions?: number;
  /** `rms`: x/√(mean x² + ε)·w (default). `layer`: (x − mean)/√(variance + ε)·w + b. */
  readonly norm?: 'rms' | 'layer';
  /** ε of every norm. */
  readonly normEps: number;
  /** `rope` (default), or `learned`: a vector for each position, added to the input embedding (GPT-2's wpe). */
  readonly positions?: 'rope' | 'learned';
  /** θ, the base of RoPE; without meaning where positions are learned. */
  readonly ropeTheta: number;
  readonly ropeScaling?: RopeScaling;
  /** `swiglu` (default): down(silu(gate x) ⊙ up x). `gelu_new`: down(gelu(up x)) with the tanh form of GELU. */
  readonly activation?: 'swiglu' | 'gelu_new';
  /** RMSNorm over each head's queries and keys, before RoPE (Qwen3). */
  readonly qkNorm?: boolean;
  /** Whose names and layout the weights have in a checkpoint; default `llama`, which Qwen shares. */
  readonly weightNames?: 'llama' | 'gpt2';
  /** The head is the transposed embedding; there is no `lm_head.weight`. */
  readonly tieWordEmbeddings: boolean;
  /** Biases on q, k and v (Qwen2, GPT-2), on o (llama with `attention_bias`, GPT-2), and on the MLP's linears. */
  readonly attentionBias: boolean;
  readonly attentionOutputBias: boolean;
  readonly mlpBias: boolean;
}

/** How RoPE's frequencies are changed so that a model reads more positions than it was first trained with. */
export type RopeScaling = LinearScaling | Llama3Scaling | YarnScaling;

/** All frequencies are divided by `factor`: positions are interpolated. */
export interface LinearScaling {
  readonly type: 'linear';
  readonly factor: number;
}

/**
 * Llama 3's: frequencies of wavelengths beyond `originalMaxPositions / lowFreqFactor` are divided by `factor`, those below
 * `originalMaxPositions / highFreqFactor` stay, and between them it goes smoothly from one to the other.
 */
export interface Llama3Scaling {
  readonly type: 'llama3';
  readonly factor: number;
  readonly lowFreqFactor: number;
  readonly highFreqFactor: number;
  readonly originalMaxPositions: number;
}

/**
 * YaRN (arXiv:2309.00071): pairs that turn more than `betaFast` times within the original positions stay, those that turn less
 * than `betaSlow` times are divided by `factor`, with a linear ramp over the pairs between. Cosines and sines are multiplied by
 * `attentionFactor`, √(1/t) in the paper: attention scores grow by its square.
 */
export interface YarnScaling {
  readonly type: 'yarn';
  readonly factor: number;
  readonly betaFast: number;
  readonly betaSlow: number;
  readonly originalMaxPositions: number;
  readonly attentionFactor: number;
}
