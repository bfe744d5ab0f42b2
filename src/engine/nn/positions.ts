import type { Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { VocabularyModel } from './vocabulary';

/** Between 0, which is visible, and −1e9, which is hidden. */
const VISIBLE = -1;

/**
 * Number of hidden columns before each sample's first visible one: its left padding.
 * @param mask additive, of S columns: [B, 1, 1, S]  @returns [B, 1]
 */
export function leftPadding(mask: Tensor): Tensor {
  const { graph } = mask;
  const [B, S] = [mask.shape[0] as number, mask.shape[3] as number];
  const left = graph.constant(
    Float32Array.from({ length: S }, (_, s) => S - s),
    [1, S],
  );
  const visible = o.greater(o.reshape(mask, [B, S]), graph.scalar(VISIBLE));
  return o.sub(graph.scalar(S), o.reduceMax(o.where(visible, left, 0), [1], true));
}

/** Whether the model has a vector for each position that is added to the input embedding. */
export const hasLearnedPositions = ({ config }: Pick<VocabularyModel, 'config'>): boolean =>
  config.positions === 'learned';

/**
 * Input embeddings x [B·S, H] of columns [from, from + S) with the vectors of their positions added, where positions are
 * learned; unchanged where they are not. Positions count from a sample's first token, as transformers counts them when
 * it is given a mask; x may be embeddings of tokens or any other vectors.
 * @param padding [B, 1], of `leftPadding`; absent where there is none
 */
export function placed(
  model: VocabularyModel,
  x: Tensor,
  {
    batch: B,
    positions: S,
    from,
  }: { readonly batch: number; readonly positions: number; readonly from: number },
  padding?: Tensor,
): Tensor {
  if (!hasLearnedPositions(model)) return x;
  const { graph } = x;
  const columns = Float32Array.from({ length: S }, (_, s) => from + s);
  const at = graph.constant(columns, [1, S]);
  return atPositions(model, x, padding ? o.sub(at, padding) : o.expand(at, [B, S]));
}

/**
 * The same for given positions [B, S] as float32. Padding may lie before the first position or, behind a short row, past the
 * last: it is given the first or the last one, and nothing reads what becomes of it. Rows themselves must be short enough.
 */
export function atPositions({ outer }: VocabularyModel, x: Tensor, positions: Tensor): Tensor {
  const table = outer.positions as Tensor;
  const last = (table.shape[0] as number) - 1;
  const left = o.relu(o.sub(last, o.relu(o.reshape(positions, [x.shape[0] as number]))));
  return o.add(x, o.gather(table, o.cast(o.sub(last, left), 'i32')));
}
