import { ConfigError } from '../../base/errors';
import type { ParameterSet } from '../parameters';
import { type Entry, producersOf, type Segment } from '../tape/entries';
import type { Tape } from '../tape/tape';

/**
 * Segments that follow one another and share one cache per layer: a later segment only adds columns, which an earlier one
 * does not see. A second segment after the same one begins a branch of its own.
 */
export interface Branch {
  readonly root: Segment;
}

/** What tensors of a run belong to. */
export type Owner = Entry | Branch | ParameterSet;

/** What part of a tape is run, and when values can be freed. */
export interface Plan {
  /** Recorded entries that a loss or an output depends on. */
  readonly entries: readonly Entry[];
  /** Those that are run in reverse: a loss depends on them, and they depend on something trained. */
  readonly reversed: ReadonlySet<Owner>;
  /** How often the entries that are run read an owner's values; a branch is read by each of its segments. */
  readonly readers: ReadonlyMap<Owner, number>;
  /** Of the segments that write keys and values. */
  readonly branches: ReadonlyMap<Owner, Branch>;
  /** T: columns of the caches. */
  readonly columns: number;
}

/** @throws ConfigError if the tape has neither losses nor outputs */
export function planOf(tape: Tape): Plan {
  const live = new Set<Entry>();
  const wanted = new Set<Entry>();
  const trained = new Set<Entry>();
  for (const entry of tape.entries)
    if (
      ('parameters' in entry && entry.parameters.length > 0) ||
      (entry.kind === 'segment' && entry.adapters.length > 0) ||
      producersOf(entry).some(({ producer, detached }) => !detached && trained.has(producer))
    )
      trained.add(entry);
  for (const entry of [...tape.entries].reverse()) {
    const loss = entry.kind === 'loss' || entry.kind === 'keyValueLoss';
    if (loss) wanted.add(entry);
    if (loss || entry.kind === 'output') live.add(entry);
    if (!live.has(entry)) continue;
    for (const { producer, detached } of producersOf(entry)) {
      live.add(producer);
      if (wanted.has(entry) && !detached) wanted.add(producer);
    }
  }
  if (live.size === 0)
    throw new ConfigError(
      'there is no loss: every weight is 0',
      'Give at least one loss term a weight above 0.',
    );
  const entries = tape.entries.filter((entry) => live.has(entry));
  const writers = entries.filter((entry) => entry.kind === 'segment').filter(({ writes }) => writes);
  const branches = new Map<Segment, Branch>();
  for (const segment of writers) {
    const continues = segment.after && writers.find(({ after }) => after === segment.after) === segment;
    const before = continues ? branches.get(segment.after) : undefined;
    branches.set(segment, before ?? { root: segment });
  }
  const read = [
    ...entries.flatMap((entry) => producersOf(entry).map(({ producer }) => producer)),
    ...branches.values(),
  ];
  const readers = new Map<Owner, number>();
  for (const owner of read) readers.set(owner, (readers.get(owner) ?? 0) + 1);
  return {
    ...{ entries, readers, branches },
    reversed: new Set(
      entries.filter(
        (entry) => wanted.has(entry) && trained.has(entry) && !('terms' in entry && entry.terms.length),
      ),
    ),
    columns: Math.max(0, ...writers.map(({ end }) => end)),
  };
}
