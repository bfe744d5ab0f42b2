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

/** The teacher on the training samples, which is read as often as it is asked for. */
export interface TeacherReader {
  /** N of each sample, in their order; known without reading. */
  readonly tokens: readonly number[];
  /** Whether the states of all samples may be in memory at once. Otherwise one sample's are there at a time. */
  readonly holds: boolean;
  /** Reads every sample once, in their order; `visit` is awaited, and keeps what it needs of the states. */
  each(visit: (states: TeacherStates, sample: number) => void | Promise<void>): Promise<void>;
}

/** All samples' states. */
export async function allStates(teacher: TeacherReader): Promise<readonly TeacherStates[]> {
  const all: TeacherStates[] = [];
  await teacher.each((states) => {
    all.push(states);
  });
  return all;
}

/** All samples' states at the anchor, [n, L, H]; of rationales nothing is kept. */
export async function readAnchors(teacher: TeacherReader): Promise<Float32Array<ArrayBuffer>> {
  const anchors: Pick<TeacherStates, 'anchor'>[] = [];
  await teacher.each(({ anchor }) => {
    anchors.push({ anchor });
  });
  return anchorTensor(anchors);
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
export function anchorTensor(teacher: readonly Pick<TeacherStates, 'anchor'>[]): Float32Array<ArrayBuffer> {
  const width = teacher[0]?.anchor.length ?? 0;
  const out = new Float32Array(teacher.length * width);
  teacher.forEach(({ anchor }, i) => {
    out.set(anchor, i * width);
  });
  return out;
}
