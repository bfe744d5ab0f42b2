import { throwIfCancelled } from '../../base/errors';
import type { Decoder } from '../../decode/decoder';
import { latentOf } from '../../decode/readout';
import { positionsOf, type Reasoned, reasonOn } from '../../decode/reason';
import type { Reasoning } from '../../decode/reasoning';
import type { DecoderState } from '../../decode/state';

export interface ThinkOptions {
  /** What is fed as thought t, from 0, in place of the student's own: a vector for every sequence, [B, H]. */
  readonly given?: ((thought: number) => Float32Array<ArrayBuffer> | undefined) | undefined;
  /** Sees every thought that the student makes, before it is fed, [B, H]. */
  readonly onThought?:
    | ((thought: number, z: Float32Array<ArrayBuffer>, state: DecoderState) => unknown)
    | undefined;
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
    for (const { stage, at: place, thought } of positionsOf(reasoning)) {
      throwIfCancelled(signal, 'the test of the thoughts');
      const before = at;
      const t = thought === undefined ? -1 : thought - 1;
      const vector = thought === undefined ? undefined : given?.(t);
      if (onThought && stage.kind === 'latents')
        await onThought(t, await latentOf(decoder, at.state, stage.feedback), at.state);
      if (vector) at = { ...at, state: await decoder.advance(at.state, { vector }), fed: at.fed + 1 };
      else at = await reasonOn(decoder, at, reasoning);
      // A Jacobi stage makes all its thoughts before the first is fed.
      if (onThought && stage.kind === 'jacobi' && place === 0)
        for (const [j, input] of (at.refined ?? []).entries())
          if (typeof input === 'object' && 'vector' in input)
            await onThought(t + j, input.vector, before.state);
      drop(before.state);
    }
    return at.state;
  } catch (error) {
    drop(at.state);
    throw error;
  }
}
