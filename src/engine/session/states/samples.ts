import { SECTIONS, type Section } from '../../../contract/lens';
import type { TokenSpan } from '../../../contract/span';
import type { GatheredStates, SampleStates } from '../../analysis/gathered';
import { chosenPositions, type FedSequence } from './fed-sequences';

/** Takes a sample's states. If it returns a promise, that is awaited before the next. */
export type TakeSample = (sample: SampleStates, index: number) => unknown;

/** Which of a sequence's positions: of these sections, or of them a span. */
export interface Chosen {
  readonly sections: readonly Section[];
  readonly span?: TokenSpan | null | undefined;
}

/** How many layers were gathered, and which, where they are not the first ones. @param L of the model */
export function numbered(
  layers: readonly number[] | undefined,
  L: number,
): Pick<GatheredStates, 'layers' | 'chosen'> {
  if (layers === undefined) return { layers: L };
  return { layers: layers.length, ...(layers.some((layer, i) => layer !== i + 1) && { chosen: layers }) };
}

/** Passes states on as they come: to `take`, or else into `samples`. */
export function collecting(take: TakeSample | undefined): {
  readonly samples: SampleStates[];
  readonly put: TakeSample;
} {
  const samples: SampleStates[] = [];
  return {
    samples,
    put:
      take ??
      ((sample, index) => {
        samples[index] = sample;
      }),
  };
}

/**
 * The states of a sequence at the chosen positions, [tokens, P, H] of P layers.
 * @param width P·H
 * @param read writes the states [P, H] of one of the sequence's positions
 */
export function sampleOf(
  sequence: FedSequence,
  { sections, span }: Chosen,
  width: number,
  read: (position: number, out: Float32Array) => void,
): SampleStates {
  const { id, about } = sequence;
  const kept = chosenPositions(sequence, sections, span);
  const states = new Float32Array(kept.length * width);
  kept.forEach(({ at }, n) => {
    read(at, states.subarray(n * width, (n + 1) * width));
  });
  return {
    id,
    about,
    tokens: kept.length,
    states,
    sections: Uint8Array.from(kept, ({ section }) => SECTIONS.indexOf(section as Section)),
    texts: kept.map(({ text }) => text),
  };
}
