import { stopProbability } from '../../../contract/stopping';
import { Owned } from '../../base/owned';
import { siteId, uniformAt } from '../../base/philox';
import { leftPad } from '../../data/batch';
import { type Branch, reasonInBranches } from '../../decode/branches';
import type { Decoder } from '../../decode/decoder';
import type { Reasoning } from '../../decode/reasoning';
import { sample } from '../../decode/sample';
import { prepareSampling } from '../../decode/sample-next';
import { textOf } from '../../eval/answer';
import type { Policy } from '../../recipes/shared/recipe';
import type { DeviceTensor } from '../../runtime/tensor';
import type { TapeRun } from '../../train/step';
import type { Roles } from '../models/roles';
import type { Values } from './snapshot-file';

/** A policy as the session runs it. */
export interface RunPolicy extends Policy {
  /** The reference's values, in the order of the parameters; undefined without a reference. */
  readonly referenceValues: Values | undefined;
  dispose(): Promise<void>;
}

export interface PolicyParts {
  readonly roles: Roles;
  /** Bound to the trained parameters; its batch is that of the training step. */
  readonly decoder: Decoder;
  readonly reasoning: Reasoning;
  /** Outputs log-probabilities under the reference's values. */
  readonly reference:
    | { readonly run: TapeRun; readonly values: readonly DeviceTensor[]; readonly kept: Values }
    | undefined;
  readonly signal: AbortSignal | undefined;
}

/** The model's own distribution: nothing is sharpened or cut. */
const WHOLE = { temperature: 1, topK: null, topP: 1 } as const;
const SITE = siteId('stop decisions');

/**
 * A run's student as the policy that answers are drawn from; it owns the decoder, the reference and its
 * values.
 */
export async function runPolicy(parts: PolicyParts): Promise<RunPolicy> {
  const { roles, decoder, reference } = parts;
  await prepareSampling(decoder, WHOLE);
  return {
    referenceValues: reference?.kept,
    complete: (questions, by) => complete(parts, questions, by),
    async reference(feeds) {
      if (!reference) return {};
      const { outputs } = await reference.run.run(feeds, reference.values);
      const read = Object.entries(outputs).map(
        async ([name, tensor]) => [name, (await tensor.read()) as Float32Array] as const,
      );
      return Object.fromEntries(await Promise.all(read));
    },
    text: (ids) => textOf(roles.tokenizer, ids),
    async dispose() {
      const owned = new Owned();
      for (const value of reference?.values ?? []) owned.add(value);
      owned.add(decoder);
      if (reference) owned.add(reference.run);
      await owned.dispose();
    },
  };
}

/**
 * Draws an answer to each question. Noise depends on seed, row, step and the position drawn at: a decision to
 * stop after t latents is at position S + 1 + t of a row of S question tokens.
 */
async function complete(
  { roles, decoder, reasoning, signal }: PolicyParts,
  questions: readonly (readonly number[])[],
  { seed, step, tokens }: { readonly seed: number; readonly step: number; readonly tokens: number },
): ReturnType<Policy['complete']> {
  const { batch: B, question: S } = decoder.shape;
  const { ids, keyMask } = leftPad(questions, S, roles.codec.padId);
  const samples = questions.map((_, b) => step * B + b);
  const drawn: { latents: number; text: number[] }[] = [];
  const stops = (odds: Float32Array, latents: number): boolean[] =>
    Array.from(odds, (x, b) => {
      const position = (questions[b] as readonly number[]).length + 1 + latents;
      const u = uniformAt({ seed, step: position, layer: samples[b] as number, site: SITE }, 0);
      return u < stopProbability(x);
    });
  const write = async ({ state, rows, latents }: Branch): Promise<void> => {
    const continued = await sample(decoder, state, {
      ...{ sampling: WHOLE, seed, samples, endIds: roles.student.endIds, limit: tokens, signal },
      positions: questions.map((question) => question.length + 2 + latents),
      // Nothing waits for rows of other branches.
      onToken: (row) => (rows.includes(row) ? undefined : 'stop'),
    });
    for (const row of rows) {
      const { tokens: written, end } = continued[row] as (typeof continued)[number];
      drawn[row] = { latents, text: [...written, ...(end ? [end] : [])].map(({ id }) => id) };
    }
  };
  const begun = await decoder.begin(ids, keyMask);
  await reasonInBranches(decoder, begun, reasoning, { stops, signal }, write);
  return drawn;
}
