import type { CallOptions } from '../../../contract/calls';
import type { ReadBlob } from '../../checkpoint/source';
import type { OpenedModel } from './subjects';

/** Weights up to this size are read, hashed and checked at opening, and stay in host memory. */
export const MAX_WHOLE_BYTES = 64 * 2 ** 20;

export interface OpenOptions extends CallOptions {
  /** Without it, weights of any size are read whole. */
  readonly readBlob?: ReadBlob;
  /** Default `MAX_WHOLE_BYTES`. */
  readonly maxWholeBytes?: number;
  /** For an adapter that comes without its base: the model that is open, and others that it may name as its base. */
  readonly bases?: { readonly opened: OpenedModel | undefined; readonly others: readonly OpenedModel[] };
}
