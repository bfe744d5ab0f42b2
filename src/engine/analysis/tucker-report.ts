import { type ChosenStates, meanOf, modeBasis, sampleRows } from './mode-basis';
import { Pace, type Watched } from './pace';
import { transposed } from './rows';

/** Maximum number of hidden-mode columns whose energy is reported. */
const MAX_COLUMNS = 64;

/** HOSVD of X ∈ R^{M×P×H}: M tokens of all samples, P chosen layers, H; J = min(H, 64). */
export interface TuckerEnergy {
  /** J. */
  readonly columns: number;
  /** [P], and [min(H, M·P)]. */
  readonly layerSigma: Float32Array<ArrayBuffer>;
  readonly hiddenSigma: Float32Array<ArrayBuffer>;
  /** Σ_m G²_{mij} / ‖X‖² with G = X ×₂ U_Lᵀ ×₃ U_Hᵀ, [P, J]; it sums to 1 if J = H. */
  readonly energy: Float32Array<ArrayBuffer>;
  /** ‖X − X̂‖ / ‖X‖ of the truncation to i layer and j hidden directions, [P, J]; below about 1e-7 it is rounding. */
  readonly error: Float32Array<ArrayBuffer>;
}

/**
 * Spectra of both modes, the core's energy, and the error of every truncation. U_L and U_H have orthonormal columns, so
 * ‖X − X̂‖² = ‖X‖² − ‖G_{≤i,≤j}‖² exactly: no truncation is reconstructed. `centre` takes the mean row of all tokens and
 * layers off first. A tensor of zeros has no energy and no error. Rejects with `CancelledError`.
 */
export async function tuckerEnergy(
  chosen: ChosenStates,
  options: Watched & { readonly centre?: boolean } = {},
): Promise<TuckerEnergy> {
  const { hidden, samples } = chosen.gathered;
  const P = chosen.layers.length;
  const J = Math.min(hidden, MAX_COLUMNS);
  const { signal, onProgress } = options;
  const mean = options.centre ? meanOf([chosen], hidden) : undefined;
  const share = (part: number) => (done: number) => onProgress?.((part + done) / 3);
  const byLayer = await modeBasis([chosen], 1, P, { signal, mean, onProgress: share(0) });
  const byHidden = await modeBasis([chosen], 2, J, { signal, mean, onProgress: share(1) });
  const sums = new Float64Array(P * J);
  const pace = new Pace('the core', signal);
  // [H, J], so that the innermost loop of the projection runs over columns.
  const uH = transposed(byHidden.vectors, J, hidden, new Float64Array(J * hidden));
  const projected = new Float64Array(P * J);
  let done = 0;
  for (const { sample, x } of sampleRows(chosen, mean)) {
    for (let t = 0; t < sample.tokens; t++) {
      projectHidden(x, t * P * hidden, hidden, uH, J, projected);
      addCoreSquares(sums, byLayer.vectors, projected, P, J);
      await pace.yieldToEventLoop();
    }
    share(2)(++done / samples.length);
  }
  const tokens = samples.reduce((sum, s) => sum + s.tokens, 0);
  const whole = byHidden.energy;
  const energy = sums.map((s) => (whole === 0 ? 0 : s / whole));
  return {
    columns: J,
    layerSigma: Float32Array.from(byLayer.sigma),
    hiddenSigma: Float32Array.from(byHidden.sigma.subarray(0, Math.min(hidden, tokens * P))),
    energy: Float32Array.from(energy),
    error: whole === 0 ? new Float32Array(P * J) : truncationErrors(energy, P, J),
  };
}

/** out [P, J] = X_t U_H for the P rows from `from`. */
function projectHidden(
  x: Float32Array,
  from: number,
  hidden: number,
  uH: Float64Array,
  J: number,
  out: Float64Array,
): void {
  out.fill(0);
  for (let p = 0; p * J < out.length; p++) {
    for (let h = 0; h < hidden; h++) {
      const value = x[from + p * hidden + h] as number;
      for (let j = 0; j < J; j++) {
        out[p * J + j] = (out[p * J + j] as number) + value * (uH[h * J + j] as number);
      }
    }
  }
}

/** sums [P, J] += (U_Lᵀ T)² entry by entry, for T [P, J]; the rows of `uL` [P, P] are U_L's columns. */
function addCoreSquares(sums: Float64Array, uL: Float64Array, t: Float64Array, P: number, J: number): void {
  for (let i = 0; i < P; i++) {
    for (let j = 0; j < J; j++) {
      let g = 0;
      for (let p = 0; p < P; p++) g += (uL[i * P + p] as number) * (t[p * J + j] as number);
      sums[i * J + j] = (sums[i * J + j] as number) + g * g;
    }
  }
}

/** √(1 − Σ_{a≤i, b≤j} E_{ab}); rounding may make the argument slightly negative. */
function truncationErrors(energy: Float64Array, P: number, J: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(P * J);
  const above = new Float64Array(J);
  for (let i = 0; i < P; i++) {
    let row = 0;
    for (let j = 0; j < J; j++) {
      row += energy[i * J + j] as number;
      above[j] = (above[j] as number) + row;
      out[i * J + j] = Math.sqrt(Math.max(0, 1 - (above[j] as number)));
    }
  }
  return out;
}
