import type { TokenLayout } from '../../base/tokens';
import type { Tape } from '../../train/tape/tape';
import { explicitText, readQuestion } from './passes';

/** The teacher's hidden states on one sample: hidden_states[1..L], the last one after the final norm. */
export interface TeacherStates {
  /** Rationale tokens, [N, L, H]. */
  readonly rationale: Float32Array<ArrayBuffer>;
  /** N */
  readonly tokens: number;
  /** The answer prompt's last token, [L, H]. */
  readonly anchor: Float32Array<ArrayBuffer>;
}

/** The output of `recordTeacher`, [B, R − 1, L, H]. */
export const TEACHER_STATES = 'states';

/** The teacher, forced through question ∥ rationale ∥ answer prompt ∥ answer. @param adapters those that it runs with */
export function recordTeacher(tape: Tape, layout: TokenLayout, adapters: readonly string[] = []): void {
  const question = readQuestion(tape, layout, adapters);
  tape.output(TEACHER_STATES, explicitText(tape, question, layout).states);
}

/**
 * A batch's hidden states, sample by sample.
 * @param states [B, R − 1, L, H]  @param lengths N of each sample; rows past them are left out
 * @param sizes L · H, and P of the answer prompt
 */
export function statesOfSamples(
  states: Float32Array<ArrayBuffer>,
  lengths: readonly number[],
  { explicit: R, prompt: P }: TokenLayout,
  row: number,
): TeacherStates[] {
  return lengths.map((N, b) => {
    const start = b * (R - 1) * row;
    const anchor = start + (N + P - 1) * row;
    return {
      rationale: states.slice(start, start + N * row),
      tokens: N,
      anchor: states.slice(anchor, anchor + row),
    };
  });
}

/** All samples' hidden states at the anchor, [n, L, H]. */
export function anchorTensor(teacher: readonly TeacherStates[]): Float32Array<ArrayBuffer> {
  const width = teacher[0]?.anchor.length ?? 0;
  const out = new Float32Array(teacher.length * width);
  teacher.forEach(({ anchor }, i) => {
    out.set(anchor, i * width);
  });
  return out;
}
