import type { DataFilter } from './data';
import type { Accuracy, StudentReport } from './events';
import type { TokenSpan } from './span';

/**
 * The low-rank lens: which hidden states are analysed, and what is reported on them. Throughout, layer ℓ is 1…L and its
 * hidden states are hidden_states[ℓ], the output of layer ℓ (the last one after the final norm); H is the hidden size, N
 * the number of tokens in a sample, K its latent steps.
 */

/** Whose hidden states. `opened` is the checkpoint opened from files. */
export type Subject =
  | { readonly kind: 'teacher' }
  | { readonly kind: 'base' }
  /** The student of the last run: the one kept, or one of its checkpoints. */
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
  /** At least one. Without `rationale` or `latent`, question and answer come from the explicit pass. */
  readonly sections: readonly Section[];
}

/**
 * Where the sequences come from: training problems of the bundled pair, rows of the data set that was opened (the sample
 * that seed and filter draw of it, see `DataDraw`), or plain texts.
 */
export type Source =
  | { readonly kind: 'problems'; readonly seed: number; readonly samples: number }
  | { readonly kind: 'ids'; readonly ids: readonly string[] }
  | {
      readonly kind: 'rows';
      readonly seed: number;
      readonly samples: number;
      readonly filter?: DataFilter | undefined;
    }
  | { readonly kind: 'texts'; readonly texts: readonly string[] };

/**
 * Which rows make one matrix: all tokens and layers of a sample (LoRi appendix A, figure 6), all samples' tokens at one
 * layer, all samples and layers at the n-th token, or everything.
 */
export const STACKS = ['sample', 'layer', 'token', 'all'] as const;
export type Stack = (typeof STACKS)[number];

/**
 * What the structure is compared with:
 * - shuffled: each feature's values permuted among the rows of its matrix;
 * - random-tokens: hidden states of equally many uniformly drawn tokens instead of the rationale (or text);
 * - other-prompt: the same rationale after another sample's question;
 * - gaussian: independent normal entries with the matrix's shape and root mean square.
 */
export const CONTROLS = ['shuffled', 'random-tokens', 'other-prompt', 'gaussian'] as const;
export type Control = (typeof CONTROLS)[number];

export interface LensRequest {
  readonly source: Source;
  /** One or two; with two, the first is the reference (usually the teacher). */
  readonly selections: readonly Selection[];
  /** Layers 1…L, ascending; `null` for all. */
  readonly layers: readonly number[] | null;
  /** Of each sample's tokens in a selection's sections, and in the controls', which; default all. */
  readonly span?: TokenSpan | null | undefined;
  readonly stack: Stack;
  /**
   * Whether the mean row is subtracted from each matrix first (for Tucker, that of all tokens and layers). The paper does
   * not do this. Trajectories and collapse have rules of their own.
   */
  readonly centre: boolean;
  /** Controls, computed for the first selection. */
  readonly controls: readonly Control[];
  /** Seed of controls and bootstrap. */
  readonly seed: number;
  readonly tucker: boolean;
  /** Basis of the trajectories; `null` leaves them out. */
  readonly trajectories: 'tucker' | 'pca' | null;
  /** Dimension r of the subspaces that are compared layer by layer, with two selections; 0 leaves them out. */
  readonly angles: number;
}

/** What a request takes, before anything is run. */
export interface LensCost {
  /** Number of matrices that are decomposed, and the size of the largest of those asked for. */
  readonly matrices: number;
  readonly largest: readonly [rows: number, columns: number];
  /** Host memory for hidden states and working copies, and the most it may be. */
  readonly bytes: number;
  readonly limit: number;
  /** Controls whose hidden states are decomposed as they come and not kept: all of them together would be too large. */
  readonly passing: readonly Control[];
  /** What the model reads first; 0 where hidden states are kept from an earlier request. */
  readonly reading: { readonly samples: number; readonly tokens: number };
  /** About how long each takes on this device; `null` where nothing like it has been timed yet. */
  readonly seconds: { readonly reading: number | null; readonly decomposing: number | null };
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

/** The shares of energy Σσ² for which the rank is reported. */
export const ENERGY_SHARES = [0.8, 0.9, 0.95, 0.99] as const;
export type EnergyRanks = readonly [number, number, number, number];

/** The singular values of one matrix, M×H. */
export interface Spectrum {
  /** Sample id, `layer 3`, `token 7` (counted in the sections, also of a span) or `all`. */
  readonly label: string;
  /** A description of its contents: the question, for a sample. */
  readonly about: string;
  /** Number of tokens in it (summed over samples), and M, the rows of the matrix. */
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
  /** Singular values of the mode-L unfolding, one per chosen layer, and of the mode-H unfolding, min(H, M·L). */
  readonly layerSigma: Float32Array;
  readonly hiddenSigma: Float32Array;
  /** Σ_m G²_{mij} / ‖X‖², [L, J]. */
  readonly energy: Float32Array;
  /** ‖X − X̂‖ / ‖X‖ of the truncation to (i, j), [L, J]. */
  readonly error: Float32Array;
}

/** How similar the hidden states at a sample's positions are, layer by layer, averaged over samples; never centred. */
export interface CollapseReport {
  readonly layers: readonly number[];
  /** Mean cosine over all pairs of positions; 1 is collapse. Over samples with two or more; NaN if there are none. */
  readonly cosine: Float32Array;
  /** Mean effective rank of the N×H (or K×H) matrix; 1 is collapse. */
  readonly effectiveRank: Float32Array;
  /** Mean number of positions, the largest possible rank. */
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
  /** Bands of `cumulative` and of σ_i/σ_1; only if the stack is `sample` and there are two samples or more. */
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
  /** Radians, ascending, [layers, r]; NaN beyond what the hidden states span, since two tokens span only two directions. */
  readonly angles: Float32Array;
  /** The same between the first selection and one seeded random subspace of the second one's dimension, as chance level. */
  readonly chance: Float32Array;
}

export interface LensReport {
  readonly request: LensRequest;
  readonly sampleIds: readonly string[];
  /** The data set of the rows, with the start of its SHA-256; only where the source is rows. */
  readonly dataset?: string;
  readonly selections: readonly SelectionReport[];
  readonly controls: readonly ControlSpectra[];
  /** Shares of energy along the trajectories' three directions, and of what. */
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

/** Projects the hidden states of chosen layers onto r directions while the model answers, and counts right answers. */
export interface CausalRequest {
  readonly subject: Subject;
  /** Number of held-out problems answered at each rank. */
  readonly problems: number;
  /** Layers 1…L whose hidden states h are replaced by c + V_r V_rᵀ (h − c). */
  readonly layers: readonly number[];
  /** Ranks r, ascending, 0…H. */
  readonly ranks: readonly number[];
  /** Positions: those after the question (rationale or latents, and the answer), or the question's as well. */
  readonly positions: 'generated' | 'all';
  /** c: zero (as in the paper's stack), or the layer's mean hidden state. */
  readonly centre: boolean;
  /** Number of training problems whose hidden states give the directions, layer by layer. */
  readonly samples: number;
  /**
   * Which of them: those at all projected positions, including the answer's (default), or the thoughts' alone (the
   * rationale's or the latents'). Projection acts on the answer's positions either way; directions from the thoughts alone
   * do not span those, so that a loss then does not tell how many directions the thoughts need.
   */
  readonly of?: 'thoughts' | 'projected';
  readonly seed: number;
  /** Whether the two kinds of random directions are tested as well. */
  readonly random: boolean;
}

/**
 * What hidden states are projected onto at rank r:
 * - leading: the r leading directions of the layer's own hidden states;
 * - random: the first r of a uniformly random sequence of orthonormal directions, as many as the leading ones;
 * - equal-energy: as many from the same sequence as keep the same share of energy as the r leading ones, the last of them
 *   scaled down so that the energies are equal.
 */
export const CAUSAL_DIRECTIONS = ['leading', 'random', 'equal-energy'] as const;
export type CausalDirections = (typeof CAUSAL_DIRECTIONS)[number];

export interface CausalPoint {
  readonly rank: number;
  readonly directions: CausalDirections;
  readonly accuracy: Accuracy;
  /** By problem, in order: 1 for right, 0 for wrong. */
  readonly outcomes: Uint8Array;
  /** What is kept, layer by layer. */
  readonly kept: readonly KeptDirections[];
}

export interface KeptDirections {
  readonly layer: number;
  readonly directions: number;
  /** Share of Σ‖h − c‖² over the hidden states that the directions were found on. */
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
  /** Accuracy without projection. */
  readonly whole: Accuracy;
  /** Its outcomes, by problem. */
  readonly wholeOutcomes: Uint8Array;
  readonly points: readonly CausalPoint[];
  /** The kernel that found the leading directions, and its precision. */
  readonly kernel: string;
  readonly dtype: 'f32' | 'f64';
  readonly milliseconds: number;
}

/** A student at a step of its run. */
export interface CheckpointReport {
  readonly id: number;
  readonly step: number;
  readonly label: string;
  readonly student?: StudentReport;
}

/** One kernel, compared with stored float64 results on this device. */
export interface KernelCheck {
  readonly kernel: string;
  readonly runsOn: 'gpu' | 'cpu';
  readonly cases: number;
  /** What the error measures: `σ, relative`, `gradient, relative`, … */
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
  /** Name of the folder that it was chosen from, or of the model that it was downloaded of: what the model is called. */
  readonly folder?: string;
}
