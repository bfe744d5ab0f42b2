import { reasonInBranches } from '../../decode/branches';
import { topTokens, vectorOf } from '../../decode/readout';
import { reasonFrom } from '../../decode/reason';
import { type Reasoning, stopsByItself, thoughtsIn, withThoughts } from '../../decode/reasoning';
import type { DecoderState } from '../../decode/state';
import { type Answerer, inBatches } from './answers';
import { longResults, type NumbersOf, numbersAfter } from './numbers';
import type { Thoughts } from './replaced';
import { type SeenThought, TOP } from './results';

/** Problems with equally many thoughts. */
export interface Group {
  /** A reasoning with exactly their number of thoughts. */
  readonly reasoning: Reasoning;
  /** Positions in the list of problems. */
  readonly problems: readonly number[];
}

/**
 * The problems grouped by the number of thoughts that the student takes on them: a single group, unless it
 * stops by itself.
 */
export async function groupsOf(of: Answerer & { readonly reasoning: Reasoning }): Promise<Group[]> {
  const { decoder, problems, reasoning, signal } = of;
  const all = problems.map((_, i) => i);
  if (!stopsByItself(reasoning)) return [{ reasoning, problems: all }];
  const lengths = new Map<number, number[]>();
  await inBatches(
    of,
    all,
    async (question, rows) => {
      await reasonInBranches(decoder, question, reasoning, { ...(signal && { signal }) }, async (branch) => {
        for (const i of branch.rows) {
          const problem = rows[i];
          if (problem === undefined) continue;
          const known = lengths.get(branch.latents) ?? [];
          known.push(problem);
          lengths.set(branch.latents, known);
        }
      });
    },
    true,
  );
  return [...lengths]
    .sort(([a], [b]) => a - b)
    .map(([length, own]) => ({ reasoning: withThoughts(reasoning, length), problems: own }));
}

export interface ReadThoughts {
  readonly thoughts: Thoughts;
  /** By problem: what is seen at each thought, and after the last. */
  readonly seen: readonly (readonly SeenThought[])[];
}

/** The thoughts of every problem, their most probable tokens, and the numbers that these begin. */
export async function readThoughts(
  of: Answerer & { readonly reasoning: Reasoning; readonly steps: readonly (readonly string[])[] },
  groups: readonly Group[],
  tell: (rows: number) => void,
): Promise<ReadThoughts> {
  const { decoder, problems, signal } = of;
  const { hiddenSize: H } = decoder.shape.config;
  const K = thoughtsIn(of.reasoning);
  const thoughts: Thoughts = {
    values: new Float32Array(problems.length * K * H),
    ...{ problems: problems.length, steps: K, hidden: H },
    lengths: new Int32Array(problems.length),
  };
  const seen: SeenThought[][] = problems.map(() => []);
  const long: NumbersOf = { ...of, wanted: longResults(of.tokenizer, of.steps) };
  const look = async (state: DecoderState, rows: readonly number[]): Promise<void> => {
    const top = await topTokens(decoder, state, TOP);
    const numbers = await numbersAfter(long, state, top, rows.length);
    rows.forEach((b, i) => {
      seen[b]?.push({ ids: (top[i]?.top ?? []).map(({ id }) => id), numbers: numbers[i] ?? [] });
    });
  };
  for (const { reasoning, problems: own } of groups)
    await inBatches(of, own, async (question, rows) => {
      const { state } = await reasonFrom(decoder, { state: question, fed: 0 }, reasoning, {
        signal,
        onInput: async (input, { thought }, before) => {
          if (thought === undefined) return;
          const z = await vectorOf(decoder, before, input);
          rows.forEach((b, i) => {
            thoughts.values.set(z.subarray(i * H, (i + 1) * H), (b * K + thought - 1) * H);
          });
          // The state that the thought is made from; the last thought's own state is read below.
          await look(before, rows);
        },
      });
      try {
        await look(state, rows);
      } finally {
        if (state !== question) state.dispose();
      }
      for (const b of rows) (thoughts.lengths as Int32Array)[b] = thoughtsIn(reasoning);
      tell(rows.length);
    });
  return { thoughts, seen };
}
