import type { ModelReport, TensorUse } from '../../../contract/events';
import { integer } from '../../ui/format';

/** A row for each tensor, in the network's order; the files are told apart where there are several. */
export function matchedRows(list: readonly TensorUse[]): {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
} {
  const several = new Set(list.map(({ file }) => file)).size > 1;
  return {
    columns: ['Name in the file', 'Used as', 'Shape', 'Type', ...(several ? ['File'] : [])],
    rows: list.map(({ name, as, shape, dtype, file }) => [
      ...[name, as, shape.join(' × ') || 'a number', dtype],
      ...(several ? [file] : []),
    ]),
  };
}

/** How many there are. An adapter's tensors are counted with the model's, and only those of its base are listed. */
export function matchedCaption({ matched }: ModelReport, list: readonly TensorUse[]): string {
  const own = (matched?.tensors ?? list.length) - list.length;
  const all = `${integer(list.length)} tensors`;
  return own > 0 ? `${all} of the base; the adapter’s ${integer(own)} change those that its note names` : all;
}
