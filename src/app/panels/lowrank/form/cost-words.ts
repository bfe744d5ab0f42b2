import type { LensCost } from '../../../../contract/lens';
import { bytes, duration, integer } from '../../../ui/format';
import { CONTROL_WORDS } from '../words';

/** Matrices, memory and time, as far as each is known. */
export function costWords({ matrices, largest, bytes: memory, passing, reading, seconds }: LensCost): string {
  const [rows, columns] = largest;
  const samples = `${integer(reading.samples)} samples (${integer(reading.tokens)} tokens)`;
  const read =
    reading.samples === 0
      ? 'The hidden states are already cached'
      : seconds.reading === null
        ? `How long reading ${samples} takes is known once something has been read on this device`
        : `Reading ${samples} takes about ${duration(1000 * seconds.reading)}`;
  const decomposed =
    seconds.decomposing === null
      ? 'how long decomposing takes is known once something has been decomposed on this GPU'
      : `decomposing takes about ${duration(1000 * seconds.decomposing)}`;
  const passed = passing.map((control) => CONTROL_WORDS[control].label.toLowerCase()).join(' and ');
  return [
    `${integer(matrices)} matrices, the largest ${integer(rows)} × ${integer(columns)}, in ${bytes(memory)} of memory.`,
    `${read}; ${decomposed}.`,
    passing.length > 0 && `Hidden states of ${passed} are not kept, so another request reads them again.`,
  ]
    .filter(Boolean)
    .join(' ');
}
