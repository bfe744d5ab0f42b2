import type { Accuracy, StudentReport } from './events';

/**
 * The low-rank lens: which hidden states are looked at, and what is said of them. Throughout, layer ℓ is 1…L and its
 * state is hidden_states[ℓ], the output of layer ℓ (of the last one after the final norm); H is the hidden size, N the
 * tokens of one sample, K its latent steps.
 */

/** Whose hidden states. `opened` is the checkpoint opened from files. */
export type Subject =
  | { readonly kind: 'teacher' }
  | { readonly kind: 'base' }
  /** The student of the last run: as it was kept, or as it was at one of its checkpoints. */
  | { readonly kind: 'student'; readonly checkpoint?: number }
  | { readonly kind: 'opened' };

/**
 * Parts of a sample's sequence. `rationale` is forced on the reference steps (question, rationale, answer prompt and
 * answer); `latent` are the K thoughts fed instead of it (question, latents, answer prompt and answer), so the two never
 * come from one pass. `answer` includes its prompt. `text` is all of a typed text.
 */
export const SECTIONS = ['question', 'rationale', 'latent', 'answer', 'text'] as const;
export type Section = (typeof SECTIONS)[number];

export interface Selection {
  readonly subject: Subject;
  /** At least one. Without `rationale` or `latent`, question and answer are of the explicit pass. */
  readonly sections: readonly Section[];
}

/** Where the sequences come from: training problems of the loaded data set, or texts as they are. */
export type Source =
  | { readonly kind: 'problems'; readonly seed: number; readonly samples: number }
  | { readonly kind: 'ids'; readonly ids: readonly string[] }
  | { readonly kind: 'texts'; readonly texts: readonly string[] };

/**
 * Which rows make one matrix: all tokens and layers of a sample (LoRi appendix A, figure 6), all samples' tokens at one
 * layer, all samples and layers at the n-th token, or everything.
 */
export const STACKS = ['sample', 'layer', 'token', 'all'] as const;
export type Stack = (typeof STACKS)[number];

/**
 * What the structure is held against:
 * - shuffled: each feature's values permuted among the rows of its matrix;
 * - random-tokens: the states of as many uniformly drawn tokens in place of the rationale (or text);
 * - other-prompt: the same rationale after another sample's question;
 * - gaussian: independent normal entries of the matrix's shape and root mean square.
 */
export const CONTROLS = ['shuffled', 'random-tokens', 'other-prompt', 'gaussian'] as const;
export type Control = (typeof CONTROLS)[number];

export interface LensRequest {
  readonly source: Source;
  /** One or two; with two, the first is the reference (the teacher, as a rule). */
  readonly selections: readonly Selection[];
  /** Layers 1…L, ascending; `null` for all. */
  readonly layers: readonly number[] | null;
  readonly stack: Stack;
  /**
   * Whether the mean row is taken off each matrix first (for Tucker, that of all tokens and layers). The paper does not.
   * Trajectories and collapse have rules of their own.
   */
  readonly centre: boolean;
  /** Drawn for the first selection. */
  readonly controls: readonly Control[];
  /** Of controls and bootstrap. */
  readonly seed: number;
  readonly tucker: boolean;
  /** Basis of the trajectories; `null` leaves them out. */
  readonly trajectories: 'tucker' | 'pca' | null;
  /** Dimension r of the subspaces that are compared layer by layer, with two selections; 0 leaves them out. */
  readonly angles: number;
}

/** Figure 6 and nothing else. */
export const FIGURE_6: Omit<LensRequest, 'source'> = {
  selections: [{ subject: { kind: 'teacher' }, sections: ['rationale'] }],
  layers: null,
  stack: 'sample',
  centre: false,
  controls: [],
  seed: 1,
  tucker: false,
  trajectories: null,
  angles: 0,
};

/** The shares of energy Σσ² whose ranks are reported. */
export const ENERGY_SHARES = [0.8, 0.9, 0.95, 0.99] as const;
export type EnergyRanks = readonly [number, number, number, number];

/** The singular values of one matrix, M×H. */
export interface Spectrum {
  /** Sample id, `layer 3`, `token 7` or `all`. */
  readonly label: string;
  /** What it is of, in words: the question, for a sample. */
  readonly about: string;
  /** Tokens that went in (summed over samples), and M, the rows of the matrix. */
  readonly tokens: number;
  readonly rows: number;
  /** Descending. */
  readonly sigma: Float32Array;
  /** Σ_{i≤r} σ_i / Σ σ_i. */
  readonly cumulative: Float32Array;
  /** exp of the entropy of σ_i / Σσ. */
  readonly effectiveRank: number;
  /** Σσ² / σ₁². */
  readonly stableRank: number;
  readonly energyRanks: EnergyRanks;
}

/** The median curve over samples and its 95 % bootstrap band (samples drawn with replacement), rank by rank. */
export interface Band {
  readonly median: Float32Array;
  readonly low: Float32Array;
  readonly high: Float32Array;
  readonly draws: number;
}

/** One matrix per layer, all samples' tokens as rows. */
export interface LayerRanks {
  readonly layer: number;
  readonly rows: number;
  readonly effectiveRank: number;
  readonly stableRank: number;
  readonly energyRanks: EnergyRanks;
}

export interface ControlSpectra {
  readonly control: Control;
  readonly spectra: readonly Spectrum[];
}

/** HOSVD of X ∈ R^{M×L×H} (M tokens of all samples), modes L and H; J = min(H, 64) columns of the hidden mode. */
export interface TuckerReport {
  readonly layers: readonly number[];
  readonly columns: number;
  /** Singular values of the mode-L unfolding, one a chosen layer, and of the mode-H unfolding, min(H, M·L). */
  readonly layerSigma: Float32Array;
  readonly hiddenSigma: Float32Array;
  /** Σ_m G²_{mij} / ‖X‖², [L, J]. */
  readonly energy: Float32Array;
  /** ‖X − X̂‖ / ‖X‖ of the truncation to (i, j), [L, J]. */
  readonly error: Float32Array;
}

/** How alike the states of one sample's positions are, layer by layer, averaged over samples; never centred. */
export interface CollapseReport {
  readonly layers: readonly number[];
  /** Mean cosine over all pairs of positions; 1 is collapse. Of samples with two or more; NaN where none has. */
  readonly cosine: Float32Array;
  /** Mean effective rank of the N×H (or K×H) matrix; 1 is collapse. */
  readonly effectiveRank: Float32Array;
  /** Mean number of positions, the largest rank there could be. */
  readonly positions: number;
}

/** Points in the first three directions of a subspace shared by all selections: `tucker` not centred, `pca` centred. */
export interface Trajectory {
  /** One entry per point: index into `sampleIds`, index of the position within its sample, layer. */
  readonly sample: Int32Array;
  readonly position: Int32Array;
  readonly layer: Int32Array;
  /** Index into SECTIONS. */
  readonly section: Uint8Array;
  /** [points, 3] */
  readonly xyz: Float32Array;
  /** Texts of the positions, one list per sample. */
  readonly texts: readonly (readonly string[])[];
}

export interface SelectionReport {
  readonly selection: Selection;
  /** `teacher`, `student, step 50`, … */
  readonly label: string;
  /** Name of the weights, and how a student was trained. */
  readonly model: string;
  readonly layers: number;
  readonly hidden: number;
  readonly spectra: readonly Spectrum[];
  /** Of `cumulative` and of σ_i/σ_1; only where the stack is `sample` and there are two samples or more. */
  readonly bands: { readonly cumulative: Band; readonly decay: Band } | null;
  readonly layerRanks: readonly LayerRanks[];
  readonly tucker: TuckerReport | null;
  readonly collapse: CollapseReport;
  readonly trajectory: Trajectory | null;
}

/** Principal angles between the leading r directions of the two selections, layer by layer. */
export interface AngleReport {
  readonly rank: number;
  readonly layers: readonly number[];
  /** Radians, ascending, [layers, r]; NaN past what the states span, as two tokens span two directions. */
  readonly angles: Float32Array;
  /** The same between the first selection and one seeded random subspace of the second one's dimension: chance. */
  readonly chance: Float32Array;
}

export interface LensReport {
  readonly request: LensRequest;
  readonly sampleIds: readonly string[];
  readonly selections: readonly SelectionReport[];
  readonly controls: readonly ControlSpectra[];
  /** Shares of energy of the three directions of the trajectories, and what they are of. */
  readonly axes: {
    readonly shares: Float32Array;
    readonly basis: 'tucker' | 'pca';
    readonly of: string;
  } | null;
  readonly angles: AngleReport | null;
  readonly kernel: string;
  readonly dtype: 'f32' | 'f64';
  readonly milliseconds: number;
}

/** Projects the states of chosen layers onto r directions while the model answers, and counts what it gets right. */
export interface CausalRequest {
  readonly subject: Subject;
  /** Held-out problems that are answered at each rank. */
  readonly problems: number;
  /** Layers 1…L whose state h is replaced by c + V_r V_rᵀ (h − c). */
  readonly layers: readonly number[];
  /** Ranks r, ascending, 0…H. */
  readonly ranks: readonly number[];
  /** Positions: those after the question (rationale or latents, and the answer), or the question's too. */
  readonly positions: 'generated' | 'all';
  /** c: zero (as in the paper's stack), or the mean state of the layer. */
  readonly centre: boolean;
  /** Training problems whose states give the directions, layer by layer. */
  readonly samples: number;
  /**
   * Which of their states: those at all positions that are projected, the answer's among them (default), or the thoughts'
   * alone (the rationale's or the latents'). Projection acts on the answer's positions either way; directions of the
   * thoughts alone do not span those, so that what is lost then does not tell how many directions the thoughts need.
   */
  readonly of?: 'thoughts' | 'projected';
  readonly seed: number;
  /** Whether the two kinds of random directions are tried too. */
  readonly random: boolean;
}

/**
 * What the states are projected onto at rank r:
 * - leading: the r leading directions of the layer's own states;
 * - random: the first r of a uniformly random sequence of orthonormal directions, as many as the leading ones;
 * - equal-energy: as many of the same sequence as keep the same share of the states' energy as the r leading ones, the last
 *   of them scaled down so that the energies are equal.
 */
export const CAUSAL_DIRECTIONS = ['leading', 'random', 'equal-energy'] as const;
export type CausalDirections = (typeof CAUSAL_DIRECTIONS)[number];

export interface CausalPoint {
  readonly rank: number;
  readonly directions: CausalDirections;
  readonly accuracy: Accuracy;
  /** By problem, in their order: 1 for right, 0 for wrong. */
  readonly outcomes: Uint8Array;
  /** What is kept, layer by layer. */
  readonly kept: readonly KeptDirections[];
}

export interface KeptDirections {
  readonly layer: number;
  readonly directions: number;
  /** Share of Σ‖h − c‖² over the states the directions were found on. */
  readonly energy: number;
}

/** Points come as they are measured. */
export interface CausalEvent {
  readonly kind: 'point';
  readonly point: CausalPoint;
}

export interface CausalReport {
  readonly request: CausalRequest;
  readonly label: string;
  readonly model: string;
  readonly hidden: number;
  /** Nothing replaced. */
  readonly whole: Accuracy;
  /** Of it, by problem. */
  readonly wholeOutcomes: Uint8Array;
  readonly points: readonly CausalPoint[];
  /** What found the leading directions, and in which precision. */
  readonly kernel: string;
  readonly dtype: 'f32' | 'f64';
  readonly milliseconds: number;
}

/** A student as it was during its run. */
export interface CheckpointReport {
  readonly id: number;
  readonly step: number;
  readonly label: string;
  readonly student?: StudentReport;
}

/** One kernel, held against stored float64 results on this device. */
export interface KernelCheck {
  readonly kernel: string;
  readonly runsOn: 'gpu' | 'cpu';
  readonly cases: number;
  /** What the error is of: `σ, relative`, `gradient, relative`, … */
  readonly measure: string;
  readonly largestError: number;
  readonly tolerance: number;
  readonly passed: boolean;
  readonly milliseconds: number;
  /** Why it could not be run, if it could not. */
  readonly failure: string | null;
}

export interface DeviceCheckReport {
  readonly adapter: string;
  readonly checks: readonly KernelCheck[];
  readonly milliseconds: number;
}

/** A file of a checkpoint: config.json, *.safetensors, tokenizer.json, tokenizer_config.json. */
export interface NamedFile {
  readonly name: string;
  readonly data: Blob;
}
