import type { CallOptions } from '../../../contract/calls';
import type { ReadBlob } from '../../checkpoint/source';
import type { OpenedModel } from './subjects';

/** Bytes up to which weights are read, hashed and checked on opening, and stay in host memory. */
export const MAX_WHOLE_BYTES = 64 * 2 ** 20;

export interface OpenOptions extends CallOptions {
  /** Without it, weights of any size are read completely. */
  readonly readBlob?: ReadBlob;
  /** Default `MAX_WHOLE_BYTES`. */
  readonly maxWholeBytes?: number;
  /** For an adapter without its base: the open model, and others that it may name as its base. */
  readonly bases?: { readonly opened: OpenedModel | undefined; readonly others: readonly OpenedModel[] };
}
