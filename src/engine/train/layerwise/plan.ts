import { ConfigError } from '../../base/errors';
import { type Entry, type Producer, producersOf } from '../tape/entries';
import type { Tape } from '../tape/tape';

const isProducer = (entry: Entry): entry is Producer => entry.kind === 'segment' || entry.kind === 'compute';

/** What part of a tape is run, and when values can be freed. */
export interface Plan {
  /** Recorded entries that a loss or an output depends on. */
  readonly entries: readonly Entry[];
  /** Whether an entry is run in reverse: a loss depends on it, and it depends on something trained. */
  reverses(entry: Entry): boolean;
  /** How often the entries that are run read a producer's values. */
  readers(producer: Producer): number;
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
  const readers = new Map<Producer, number>();
  for (const entry of entries)
    for (const { producer } of producersOf(entry)) readers.set(producer, (readers.get(producer) ?? 0) + 1);
  const segments = entries.filter((entry) => entry.kind === 'segment');
  return {
    entries,
    reverses: (entry) => isProducer(entry) && wanted.has(entry) && trained.has(entry),
    readers: (producer) => readers.get(producer) ?? 0,
    columns: Math.max(0, ...segments.filter(({ writes }) => writes).map(({ end }) => end)),
  };
}
