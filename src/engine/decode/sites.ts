import type { Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { DeviceTensor } from '../runtime/tensor';

/**
 * Where a pass can be intervened on: the hidden states of layer 1…L (`residual`: what later layers read; layer L's are
 * taken after the final norm, like hidden_states[L]), and the latent that is fed as the next input.
 */
export type DecodeSite = { readonly site: 'residual'; readonly layer: number } | { readonly site: 'latent' };

/**
 * h → h·P + s at one site, for every position of the pass. P [H, H] and s [1, H] are bound at run time, so that other
 * values need no other program: for c + P(h − c), s is c − c·P; P = I adds a direction; P = 0 replaces the state.
 */
export interface Intervention {
  readonly at: DecodeSite;
  readonly matrix: DeviceTensor;
  readonly shift: DeviceTensor;
}

export const siteName = (at: DecodeSite): string =>
  at.site === 'latent' ? 'latent' : `residual.${at.layer}`;

/** Names of a site's inputs. */
export const matrixInput = (at: DecodeSite): string => `${siteName(at)}.matrix`;
export const shiftInput = (at: DecodeSite): string => `${siteName(at)}.shift`;

/** The hidden states [rows, H] after the intervention at that site, or unchanged if there is none. */
export function intervened(state: Tensor, at: DecodeSite, sites: readonly DecodeSite[]): Tensor {
  if (!sites.some((one) => siteName(one) === siteName(at))) return state;
  const H = state.shape[1] as number;
  const { graph } = state;
  return o.gemm(state, graph.input(matrixInput(at), [H, H]), {}, graph.input(shiftInput(at), [1, H]));
}
