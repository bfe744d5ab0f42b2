import type { ParameterSet } from '../../nn/parameter-set';
import { type Entry, type FunctionEntry, producersOf, type Segment, termsOf } from '../tape/entries';
import type { Tape } from '../tape/tape';

/**
 * Segments that follow one another and share one cache per layer: a later segment only adds columns, which an earlier one
 * does not see. A second segment after the same one begins a branch of its own.
 */
export interface Branch {
  readonly root: Segment;
}

/** What a run's tensors may belong to. */
export type Owner = Entry | Branch | ParameterSet;

/** Which part of a tape is run, and when values can be freed. */
export interface Plan {
  /** Recorded entries that a loss or an output depends on. */
  readonly entries: readonly Entry[];
  /** Those that are run in reverse: a loss depends on them, and they depend on something trained. */
  readonly reversed: ReadonlySet<Owner>;
  /** How often the entries that are run read an owner's values; a branch is read by each of its segments. */
  readonly readers: ReadonlyMap<Owner, number>;
  /** The branch of each segment that writes keys and values. */
  readonly branches: ReadonlyMap<Owner, Branch>;
  /** T: columns of the caches. */
  readonly columns: number;
}

/** @param readsWeights whether a function is computed from trained weights @throws ConfigError if the tape has neither losses nor outputs */
export function planOf(tape: Tape, readsWeights: (entry: FunctionEntry) => boolean): Plan {
  const entries = tape.live;
  const { weights } = tape.parameters;
  const trained = new Set<Entry>();
  const reversed = new Set<Owner>();
  for (const entry of entries)
    if (
      (entry.kind === 'segment' && (entry.adapters.length > 0 || weights !== undefined)) ||
      ('parameters' in entry && (entry.parameters.length > 0 || readsWeights(entry))) ||
      producersOf(entry).some(({ producer, detached }) => !detached && trained.has(producer))
    )
      trained.add(entry);
  for (const entry of [...entries].reverse())
    if (termsOf(entry).length > 0 || reversed.has(entry))
      for (const { producer, detached } of producersOf(entry))
        if (!detached && trained.has(producer)) reversed.add(producer);
  const writers = entries.filter((entry) => entry.kind === 'segment' && entry.writes) as Segment[];
  const branches = new Map<Segment, Branch>();
  for (const segment of writers) {
    const continues = segment.after && writers.find(({ after }) => after === segment.after) === segment;
    const before = continues ? branches.get(segment.after) : undefined;
    branches.set(segment, before ?? { root: segment });
  }
  const readers = new Map<Owner, number>();
  const read = entries.flatMap(producersOf).map(({ producer }) => producer);
  for (const owner of [...read, ...branches.values()]) readers.set(owner, (readers.get(owner) ?? 0) + 1);
  const columns = Math.max(0, ...writers.map(({ end }) => end));
  return { entries, reversed, readers, branches, columns };
}
