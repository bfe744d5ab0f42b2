import { ShapeError } from '../base/errors';
import { type Moments, momentsCpu } from '../kernels/moments/moments.cpu';
import { projectionCpu } from '../kernels/projection/projection.cpu';
import { expectDims, expectFinite } from '../kernels/shared/check';
import { addModeGram, hooi, modeVectors, project, type Shape3, vectorsOf } from './tucker';

/** What LoRi keeps from a teacher's hidden states on rationales (LoRi §3.2). L layers, H hidden size, R = r_L·r_H. */
export interface TeacherFactors {
  /** One pair of factors for all samples, or one per sample. */
  readonly scope: 'shared' | 'sample';
  /** [L, r_L], or [B, L, r_L] in scope 'sample'. */
  readonly uL: Float32Array<ArrayBuffer>;
  /** [H, r_H], or [B, H, r_H] in scope 'sample'. */
  readonly uH: Float32Array<ArrayBuffer>;
  /** [B, R]: mean of the projected rows of each sample. */
  readonly mu: Float32Array<ArrayBuffer>;
  /** [B, R, R]: GᵀG / N, not centred. */
  readonly c: Float32Array<ArrayBuffer>;
  /** [L]: what each layer was divided by first; ones without normalisation. */
  readonly layerScale: Float32Array<ArrayBuffer>;
  /** Spectra of the layer-mode [L] and hidden-mode [H] unfoldings of all samples stacked; empty in scope 'sample'. */
  readonly sigmaL: Float64Array;
  readonly sigmaH: Float64Array;
}

export interface TeacherOptions {
  readonly rankL: number;
  readonly rankH: number;
  /** Stack all samples' rationale tokens (default), or find a subspace for each. */
  readonly scope?: 'shared' | 'sample';
  /** Divide each layer by this first; the student must be divided by the same. Default: ones. */
  readonly layerScale?: Float32Array<ArrayBuffer>;
}

/**
 * Standard deviation of each layer over all samples, tokens and hidden entries: [L]; 1 for a layer that does not vary.
 * `samples` are [N_b, L, H] each. Throws `ShapeError`.
 */
export function layerStd(
  samples: readonly Float32Array[],
  layers: number,
  hidden: number,
): Float32Array<ArrayBuffer> {
  const tokens = tokenCounts(samples, layers, hidden);
  const total = tokens.reduce((a, b) => a + b, 0) * hidden;
  const mean = new Float64Array(layers);
  const square = new Float64Array(layers);
  // Two passes: Σx² − (Σx)² would lose the spread of layers far from zero.
  const each = (visit: (layer: number, x: number) => void) => {
    for (const states of samples) {
      for (let i = 0; i < states.length; i++) visit(Math.floor(i / hidden) % layers, states[i] as number);
    }
  };
  each((l, x) => {
    mean[l] = (mean[l] as number) + x / total;
  });
  each((l, x) => {
    square[l] = (square[l] as number) + (x - (mean[l] as number)) ** 2;
  });
  return spreads(square, total);
}

/** Standard deviations of `total` values each, by their sums of squares; 1 for a layer that does not vary. */
export const spreads = (squares: Float64Array, total: number): Float32Array<ArrayBuffer> =>
  Float32Array.from(squares, (s) => (s > 0 ? Math.sqrt(s / total) : 1));

/** diag(1/s) U_L, so that projection kernels can take unscaled states. uL is [L, r_L] or [B, L, r_L]; s is [L]. */
export function scaledLayerFactor(
  uL: Float32Array,
  layerScale: Float32Array,
  rankL: number,
): Float32Array<ArrayBuffer> {
  const layers = layerScale.length;
  return Float32Array.from(uL, (x, i) => x / (layerScale[Math.floor(i / rankL) % layers] as number));
}

/**
 * Factors, μ_T and C_T from the teacher's hidden states on rationales, one [N_b, L, H] per sample (N_b may differ). U_L
 * and U_H are the leading left singular vectors of the layer-mode and hidden-mode unfoldings; their Gram matrices are
 * summed sample by sample in float64, so that no unfolding of all samples is ever held. Yields every few milliseconds.
 * Throws `ShapeError`, `NumericError`.
 */
export function* teacherFactors(
  samples: readonly Float32Array[],
  layers: number,
  hidden: number,
  options: TeacherOptions,
): Generator<number, TeacherFactors> {
  const { rankL, rankH, scope = 'shared' } = options;
  const tokens = tokenCounts(samples, layers, hidden);
  const layerScale = options.layerScale ?? new Float32Array(layers).fill(1);
  checkScale(layerScale, layers);
  const batch = samples.length;
  const factors = scope === 'shared' ? 1 : batch;
  const rank = rankL * rankH;
  const uL = new Float32Array(factors * layers * rankL);
  const uH = new Float32Array(factors * hidden * rankH);
  const mu = new Float32Array(batch * rank);
  const c = new Float32Array(batch * rank * rank);
  let sigmaL = new Float64Array();
  let sigmaH = new Float64Array();
  const gramL = new Float64Array(layers * layers);
  const gramH = new Float64Array(hidden * hidden);
  for (const [b, states] of samples.entries()) {
    expectFinite('teacher factors', `sample ${b}`, states);
    const shape: Shape3 = [tokens[b] as number, layers, hidden];
    if (scope === 'sample') {
      gramL.fill(0);
      gramH.fill(0);
    }
    const scaled = divideLayers(states, layers, hidden, layerScale);
    yield* addModeGram(gramL, scaled, shape, 1);
    yield* addModeGram(gramH, scaled, shape, 2);
    if (scope === 'sample') {
      uL.set((yield* modeVectors(gramL, layers, rankL)).u, b * layers * rankL);
      uH.set((yield* modeVectors(gramH, hidden, rankH)).u, b * hidden * rankH);
    }
  }
  if (scope === 'shared') {
    const l = yield* modeVectors(gramL, layers, rankL);
    const h = yield* modeVectors(gramH, hidden, rankH);
    uL.set(l.u);
    uH.set(h.u);
    sigmaL = Float64Array.from(l.sigma);
    sigmaH = Float64Array.from(h.sigma);
  }
  for (const [b, states] of samples.entries()) {
    const f = scope === 'shared' ? 0 : b;
    const factor = {
      uL: uL.subarray(f * layers * rankL, (f + 1) * layers * rankL),
      uH: uH.subarray(f * hidden * rankH, (f + 1) * hidden * rankH),
    };
    const moments = sampleMoments(states, factor, { layers, hidden, rankL, rankH, layerScale });
    mu.set(moments.mu, b * rank);
    c.set(moments.c, b * rank * rank);
    yield (b + 1) / batch;
  }
  return { scope, uL, uH, mu, c, layerScale, sigmaL, sigmaH };
}

/** The sizes of factors and of what they were found in. */
export interface FactorSizes {
  readonly layers: number;
  readonly hidden: number;
  readonly rankL: number;
  readonly rankH: number;
  /** [L] */
  readonly layerScale: Float32Array<ArrayBuffer>;
}

/** μ_T [R] and C_T [R, R] of one sample's states [N, L, H], by U_L [L, r_L] and U_H [H, r_H] (LoRi §3.2). */
export function sampleMoments(
  states: Float32Array,
  { uL, uH }: { readonly uL: Float32Array; readonly uH: Float32Array },
  { layers, hidden, rankL, rankH, layerScale }: FactorSizes,
): Moments {
  const rows = states.length / (layers * hidden);
  const shape = { batch: 1, rows, layers, hidden, rankL, rankH };
  const g = projectionCpu(states, scaledLayerFactor(uL, layerScale, rankL), uH, shape);
  return momentsCpu(g, { batch: 1, rows, rank: rankL * rankH });
}

/** What LoRi keeps from the teacher at the anchor, the last token of the answer prompt (LoRi §3.3). */
export interface AnchorFactors {
  /** [H, r_H]: U_H^(a). */
  readonly uH: Float32Array<ArrayBuffer>;
  /** [B, L, r_H]: U_H^(a)ᵀ h_T of each (scaled) layer. */
  readonly target: Float32Array<ArrayBuffer>;
  /** [L]: what each layer was divided by. */
  readonly layerScale: Float32Array<ArrayBuffer>;
}

export interface AnchorOptions {
  readonly rankB: number;
  readonly rankL: number;
  readonly rankH: number;
  /** Refine by orthogonal iteration. Without it, r_B and r_L have no effect on U_H^(a). Default false. */
  readonly hooi?: boolean;
  /** As in `TeacherOptions`. */
  readonly layerScale?: Float32Array<ArrayBuffer>;
}

/** Tucker decomposition of the anchor's hidden states [B, L, H], and the targets. Yields between pieces. Throws `ShapeError`, `NumericError`. */
export function* anchorFactors(
  anchor: Float32Array,
  layers: number,
  hidden: number,
  options: AnchorOptions,
): Generator<number, AnchorFactors> {
  const layerScale = options.layerScale ?? new Float32Array(layers).fill(1);
  checkScale(layerScale, layers);
  const batch = batchOf(anchor, layers, hidden);
  const shape: Shape3 = [batch, layers, hidden];
  const ranks: Shape3 = [options.rankB, options.rankL, options.rankH];
  const scaled = divideLayers(anchor, layers, hidden, layerScale);
  expectFinite('anchor factors', 'the states', scaled);
  // HOSVD finds U_H from its own unfolding; the sample mode, which costs B³, is needed by HOOI alone.
  const uH = options.hooi
    ? (yield* hooi(scaled, shape, ranks)).factors[2]
    : (yield* vectorsOf(scaled, shape, 2, options.rankH)).u;
  return { uH, target: project(scaled, shape, 2, uH, options.rankH).data, layerScale };
}

function divideLayers(
  x: Float32Array,
  layers: number,
  hidden: number,
  scale: Float32Array,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(x.length);
  for (let row = 0; row * hidden < x.length; row++) {
    const divisor = scale[row % layers] as number;
    const end = (row + 1) * hidden;
    for (let i = row * hidden; i < end; i++) out[i] = (x[i] as number) / divisor;
  }
  return out;
}

function tokenCounts(samples: readonly Float32Array[], layers: number, hidden: number): number[] {
  expectDims('teacher factors', { layers, hidden });
  if (samples.length === 0) throw new ShapeError('teacher factors: no samples given, expected at least one');
  return samples.map((s, b) => {
    const n = s.length / (layers * hidden);
    if (Number.isInteger(n) && n > 0) return n;
    throw new ShapeError(
      `teacher factors: sample ${b} has ${s.length} elements, expected N × ${layers} × ${hidden} with N ≥ 1 rationale tokens`,
    );
  });
}

function batchOf(anchor: Float32Array, layers: number, hidden: number): number {
  expectDims('anchor factors', { layers, hidden });
  const batch = anchor.length / (layers * hidden);
  if (Number.isInteger(batch) && batch > 0) return batch;
  throw new ShapeError(`anchor factors: ${anchor.length} elements given, expected B × ${layers} × ${hidden}`);
}

function checkScale(scale: Float32Array, layers: number): void {
  if (scale.length !== layers || scale.some((s) => !(s > 0 && s < Infinity))) {
    throw new ShapeError(`layer scale must be ${layers} positive finite numbers, got [${scale.join(', ')}]`);
  }
}
