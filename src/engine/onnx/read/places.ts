/** How large an ONNX tensor is, and where its values lie. */
import { quote, shorten } from '../../../text/quote';
import { FileError } from '../../base/errors';
import { ELEMENT_BITS } from './elements';
import { damaged, varint } from './wire';

export const MAX_RANK = 16;

export interface OnnxTensor {
  readonly name: string;
  readonly element: number;
  readonly dims: readonly number[];
  /** Its values: bytes in this file, bytes in another one, or numbers in the protobuf itself. */
  readonly data:
    | { readonly in: 'file'; readonly from: number; readonly to: number }
    | { readonly in: 'other'; readonly location: string; readonly offset: number; readonly length: number }
    | { readonly in: 'message' };
}

/** Repeated integers in one field. */
export function packed(bytes: Uint8Array): number[] {
  const out: number[] = [];
  for (let at = 0; at < bytes.length && out.length <= MAX_RANK; ) {
    const [value, after] = varint(bytes, at);
    out.push(value);
    at = after;
  }
  return out;
}

export function bytesOf(shown: string, element: number, dims: readonly number[]): number {
  const bits = ELEMENT_BITS[element];
  // Text has no size.
  if (bits === undefined) return element === 8 ? -1 : refuse(shown, element);
  let count = 1;
  for (const d of dims) {
    if (!(Number.isSafeInteger(d) && d >= 0)) throw damaged(`has a dimension ${d} in ${shown}`);
    count *= d;
  }
  if (!Number.isSafeInteger(count)) throw damaged(`has ${count} elements in ${shown}`);
  return Math.ceil((count * bits) / 8);
}

function refuse(shown: string, element: number): never {
  throw damaged(`has ${shown} of the unknown element type ${element}`);
}

/** Where a tensor lies outside of the file: the keys of ONNX's external_data. */
export function placeOf(shown: string, keys: ReadonlyMap<string, string>, bytes: number): OnnxTensor['data'] {
  const location = (keys.get('location') ?? '').replace(/^\.\//, '');
  if (location === '' || /[\\/]|^\.\.?$/.test(location))
    throw new FileError(
      `${shown} is said to lie in ${quote(shorten(location, 100))}; a file beside the model is expected`,
      'Choose an export as its maker published it, with model.onnx and model.onnx_data in one folder.',
    );
  const [offset, length] = [whole(keys.get('offset') ?? '0'), whole(keys.get('length') ?? String(bytes))];
  if (offset === undefined || length !== bytes)
    throw damaged(
      `says that ${shown} takes ${keys.get('length')} bytes from ${keys.get('offset')}; ${bytes} are expected`,
    );
  return { in: 'other', location, offset, length };
}

const whole = (text: string): number | undefined => {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
};
