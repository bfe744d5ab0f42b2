import { MemoryError } from '../../base/errors';
import { explicitly } from '../../decode/reasoning';
import { columnsOf, type StatesShape } from '../../decode/states';
import type { ResolvedSubject } from '../models/subjects';
import type { FedSequence } from './fed-sequences';

/** Maximum number of sequences read at once. */
export const MAX_AT_ONCE = 8;
/** Maximum bytes of one batch's hidden states, or of one layer's attention: longer sequences form smaller batches. */
export const BATCH_BYTES = 2 ** 26;
/** Maximum number of tokens in a sequence: attention is computed as a whole. */
export const MAX_LENGTH = 4096;

/** Sequences of similar length, and the shape of the pass that reads them. */
export interface Bucket {
  readonly fed: readonly { readonly reading: FedSequence; readonly index: number }[];
  readonly shape: StatesShape;
}

/** How many of `count` sequences of `columns` tokens are read at once. */
export function batchOf(
  config: Pick<ResolvedSubject['model']['config'], 'layers' | 'hiddenSize' | 'heads'>,
  columns: number,
  count: number,
): number {
  const bytes = 4 * columns * Math.max(config.layers * config.hiddenSize, config.heads * columns);
  return Math.max(1, Math.min(MAX_AT_ONCE, count, Math.floor(BATCH_BYTES / bytes)));
}

/** A bucket holds sequences longer than half of its longest: few programs, and less padding than tokens. */
export function bucketsOf(
  fed: readonly FedSequence[],
  { model, parameters, reasoning: own }: ResolvedSubject,
  layers?: readonly number[],
): Bucket[] {
  const { config } = model;
  const length = ({ positions }: FedSequence): number => positions.length;
  const sorted = fed
    .map((reading, index) => ({ reading, index }))
    .sort((a, b) => length(b.reading) - length(a.reading));
  const buckets: Bucket[] = [];
  while (sorted.length > 0) {
    const { reading: longest } = sorted[0] as (typeof sorted)[number];
    if (length(longest) > MAX_LENGTH)
      throw new MemoryError(
        `${longest.id} has ${length(longest)} tokens; at most ${MAX_LENGTH} can be read at once`,
        'Shorten the text.',
      );
    const shorter = sorted.findIndex(({ reading }) => 2 * length(reading) <= length(longest));
    const members = sorted.splice(0, shorter < 0 ? sorted.length : shorter);
    const maxOf = (of: (reading: FedSequence) => number): number =>
      Math.max(...members.map(({ reading }) => of(reading)));
    const [question, rest] = [maxOf((r) => r.question.length), maxOf((r) => r.rest.length)];
    // Rationales and texts are read with the adapters that would write them.
    const reasoning = longest.reasons ? own : explicitly(own);
    const shape = { config, question, reasoning, rest, parameters, layers };
    // Whichever layers are read: other batches could be other sums.
    const batch = batchOf(config, columnsOf(shape), members.length);
    buckets.push({ fed: members, shape: { ...shape, batch } });
  }
  return buckets;
}
