import type { Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import { type Attachments, joinAttachments, SITES, type Site } from '../nn/attachments';
import type { StackModel } from '../nn/stack';
import type { DeviceTensor } from '../runtime/tensor';

/**
 * Where a pass can be intervened on: a site of layer 1…L, or the latent that is fed as the next input. `residual` is what
 * later layers read; the last layer's is taken after the final norm, like hidden_states[L].
 */
export type DecodeSite = { readonly site: Site; readonly layer: number } | { readonly site: 'latent' };

/**
 * h → h·P + s at one site, for every position of the pass. P [H, H] and s [1, H] are bound at run time, so
 * that new values need no new program: for c + P(h − c), s is c − c·P; P = I adds a direction; P = 0 replaces
 * the state.
 */
export interface Intervention {
  readonly at: DecodeSite;
  readonly matrix: DeviceTensor;
  readonly shift: DeviceTensor;
}

/**
 * Replaces the states at one site at some positions of a question: h·keep + put for every position of the
 * pass, with keep [B·S, 1] 0 where a state is replaced and 1 elsewhere, and put [B·S, H] 0 elsewhere. At
 * `latent` it applies to what is fed, the tokens' embeddings. A step with a replacement keeps the earlier
 * states at that site, for `questionStatesOf`.
 */
export interface RowReplacement {
  readonly at: DecodeSite;
  readonly keep: Float32Array<ArrayBuffer>;
  readonly put: Float32Array<ArrayBuffer>;
}

export const siteName = (at: DecodeSite): string =>
  at.site === 'latent' ? 'latent' : `${at.site}.${at.layer}`;

/** Names of a site's inputs. */
export const matrixInput = (at: DecodeSite): string => `${siteName(at)}.matrix`;
export const shiftInput = (at: DecodeSite): string => `${siteName(at)}.shift`;

/** Name of the output with the state at a site, before any intervention there. */
export const readOutput = (at: DecodeSite): string => `at.${siteName(at)}`;

/**
 * Names of the inputs of a site whose states are replaced row by row, and of the output with all its states
 * before that.
 */
export const keepInput = (at: DecodeSite): string => `${siteName(at)}.keep`;
export const putInput = (at: DecodeSite): string => `${siteName(at)}.put`;
const ROWS = 'rows.';
export const rowsOutput = (at: DecodeSite): string => `${ROWS}${siteName(at)}`;
export const isOfRows = (output: string): boolean => output.startsWith(ROWS);

/** What a pass does at its sites. */
export interface SiteOptions {
  /** Sites with an intervention. */
  readonly sites: readonly DecodeSite[];
  /** Sites whose states are outputs, by `readOutput`. */
  readonly read: readonly DecodeSite[];
  /** In the pass over the question: sites whose states are replaced row by row, and are outputs, by `rowsOutput`. */
  readonly rows?: readonly DecodeSite[];
}

/** The states at the sites that are read, by the names of their outputs; filled while the graph is built. */
export type ReadStates = Map<string, Tensor>;

/** The hidden states [rows, H] after the intervention at that site; unchanged if there is none. */
export function intervened(
  state: Tensor,
  at: DecodeSite,
  { sites, read, rows = [] }: SiteOptions,
  seen: ReadStates,
): Tensor {
  if (has(read, at)) seen.set(readOutput(at), state);
  if (has(rows, at)) seen.set(rowsOutput(at), state);
  const changed = has(sites, at) ? affine(state, at) : state;
  return has(rows, at) ? replacedRows(changed, at) : changed;
}

/** The model with the interventions attached to its layers; at a site shared with an adapter they come after it. */
export function intervenedModel(model: StackModel, options: SiteOptions, seen: ReadStates): StackModel {
  const L = model.layers.length;
  const last: DecodeSite = { site: 'residual', layer: L };
  const { sites, read, rows = [] } = options;
  const isUsed = (at: DecodeSite): boolean => [sites, read, rows].some((list) => has(list, at));
  const attached = model.layers.map((_, i): Attachments => {
    const maps: Attachments['sites'] = {};
    for (const site of SITES) {
      const at: DecodeSite = { site, layer: i + 1 };
      if (isUsed(at) && siteName(at) !== siteName(last)) maps[site] = (h) => intervened(h, at, options, seen);
    }
    return joinAttachments([model.attached[i] ?? NOTHING, { lora: [], sites: maps }]);
  });
  return {
    ...model,
    attached,
    ...(isUsed(last) && { final: (h: Tensor) => intervened(h, last, options, seen) }),
  };
}

/** [n, n] */
export function identity(n: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(n * n);
  for (let i = 0; i < n; i++) out[i * n + i] = 1;
  return out;
}

const NOTHING: Attachments = { lora: [], sites: {} };

const has = (sites: readonly DecodeSite[], at: DecodeSite): boolean =>
  sites.some((one) => siteName(one) === siteName(at));

function affine(state: Tensor, at: DecodeSite): Tensor {
  const H = state.shape[1] as number;
  const { graph } = state;
  return o.gemm(state, graph.input(matrixInput(at), [H, H]), {}, graph.input(shiftInput(at), [1, H]));
}

function replacedRows(state: Tensor, at: DecodeSite): Tensor {
  const [rows, H] = state.shape as readonly [number, number];
  const { graph } = state;
  return o.add(o.mul(state, graph.input(keepInput(at), [rows, 1])), graph.input(putInput(at), [rows, H]));
}
