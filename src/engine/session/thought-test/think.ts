import { BUG, RuntimeError, throwIfCancelled } from '../../base/errors';
import type { Decoder, DecoderInput } from '../../decode/decoder';
import { latentOf } from '../../decode/readout';
import { type NextInput, nextInput, positionsOf, type Reasoned } from '../../decode/reason';
import type { Reasoning } from '../../decode/reasoning';
import type { DecoderState } from '../../decode/state';

type Vector = Float32Array<ArrayBuffer>;

export interface ThinkOptions {
  /** What is fed as thought t, from 0, in place of the student's own: a vector for every sequence, [B, H]. */
  readonly given?: ((thought: number) => Vector | undefined) | undefined;
  /** Sees every thought before it is fed, [B, H], and the state that it is fed to. */
  readonly onThought?: ((thought: number, z: Vector, state: DecoderState) => unknown) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Feeds all positions of a reasoning, with some of the thoughts replaced. The given state is kept.
 * @returns the state before the answer prompt, or the given one where nothing is fed
 * @throws CancelledError
 */
export async function thinkThrough(
  decoder: Decoder,
  from: DecoderState,
  reasoning: Reasoning,
  { given, onThought, signal }: ThinkOptions = {},
): Promise<DecoderState> {
  let at: Reasoned = { state: from, fed: 0 };
  const drop = (state: DecoderState): void => {
    if (state !== from) state.dispose();
  };
  try {
    for (const { thought } of positionsOf(reasoning)) {
      throwIfCancelled(signal, 'the test of the thoughts');
      const { state, fed } = at;
      const vector = thought === undefined ? undefined : given?.(thought - 1);
      const next: NextInput = vector ? { input: { vector } } : await nextInput(decoder, at, reasoning);
      if (thought !== undefined && onThought)
        await onThought(thought - 1, await vectorOf(decoder, state, next.input), state);
      at = { state: await decoder.advance(state, next.input), fed: fed + 1, refined: next.refined };
      drop(state);
    }
    return at.state;
  } catch (error) {
    drop(at.state);
    throw error;
  }
}

/** The vectors that an input feeds, [B, H]. */
async function vectorOf(decoder: Decoder, state: DecoderState, input: DecoderInput): Promise<Vector> {
  if ('vector' in input) return input.vector;
  if ('latent' in input) return latentOf(decoder, state, input.latent);
  throw new RuntimeError('a thought is a fixed token, which is refused before', BUG);
}
