import type { ThoughtReport } from '../../../contract/thoughts';
import type { AttentionChoice } from '../../store/attention-draft';

/** The weights of one position over its columns, averaged as chosen. The first column is NaN where it is left out. */
export function weightsOf(
  { attention, columns, heads }: ThoughtReport,
  { layer, head, withoutFirst }: AttentionChoice,
): Float64Array {
  const count = columns.length;
  const layers = attention.length / (heads * count);
  const chosen = (of: number, one: number | null): number[] =>
    one === null ? Array.from({ length: of }, (_, i) => i) : [one - 1];
  const rows = chosen(layers, layer).flatMap((l) => chosen(heads, head).map((h) => l * heads + h));
  const out = new Float64Array(count);
  for (const row of rows)
    for (let i = 0; i < count; i++) out[i]! += attention[row * count + i]! / rows.length;
  if (withoutFirst) out[0] = Number.NaN;
  return out;
}

/** The columns with the largest weights, largest first. */
export function mostAttended(
  report: ThoughtReport,
  choice: AttentionChoice,
  count: number,
): { readonly index: number; readonly weight: number }[] {
  return Array.from(weightsOf(report, choice), (weight, index) => ({ index, weight }))
    .filter(({ weight }) => Number.isFinite(weight))
    .sort((a, b) => b.weight - a.weight)
    .slice(0, count);
}
