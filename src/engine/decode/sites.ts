import type { Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { DeviceTensor } from '../runtime/tensor';

/**
 * Where a pass may be intervened on: the state of layer 1…L (`residual`: what later layers read; layer L's is taken
 * after the final norm, as hidden_states[L] is), and the latent that is fed as the next input.
 */
export type DecodeSite = { readonly site: 'residual'; readonly layer: number } | { readonly site: 'latent' };

/**
 * h → h·P + s for every position of the pass at a site. P [H, H] and s [1, H] are bound, so that other values need no
 * other program: with c + P(h − c), s is c − c·P; adding a direction is P = I; replacing is P = 0.
 */
export interface Intervention {
  readonly at: DecodeSite;
  readonly matrix: DeviceTensor;
  readonly shift: DeviceTensor;
}

export const siteName = (at: DecodeSite): string =>
  at.site === 'latent' ? 'latent' : `residual.${at.layer}`;

/** Names of the inputs of a site. */
export const matrixInput = (at: DecodeSite): string => `${siteName(at)}.matrix`;
export const shiftInput = (at: DecodeSite): string => `${siteName(at)}.shift`;

/** The state [rows, H] after the intervention at that site, or as it is where there is none. */
export function intervened(state: Tensor, at: DecodeSite, sites: readonly DecodeSite[]): Tensor {
  if (!sites.some((one) => siteName(one) === siteName(at))) return state;
  const H = state.shape[1] as number;
  const { graph } = state;
  return o.gemm(state, graph.input(matrixInput(at), [H, H]), {}, graph.input(shiftInput(at), [1, H]));
}
