import type { RunConfig } from '../../../contract/config';
import type { DecoderConfig } from '../../nn/config';
import type { StateLoss } from '../../train/losses/state-loss';
import type { TeacherStates } from '../../train/teacher';

/** What a method is, beyond the paths all of them share: whether it thinks in latents, and its losses on states. */
export interface Recipe<Config extends RunConfig = RunConfig> {
  /** Whether `stateLosses` needs the teacher's states. */
  readonly usesTeacher: boolean;
  /** K. */
  latentSteps(config: Config): number;
  /** Losses on hidden states, from the teacher's states on every training sample (none without `usesTeacher`). */
  stateLosses(config: Config, model: DecoderConfig, teacher: readonly TeacherStates[]): StateLoss[];
}

/** The anchor states of all samples, [n, L, H]. */
export function anchorTensor(teacher: readonly TeacherStates[]): Float32Array<ArrayBuffer> {
  const width = teacher[0]?.anchor.length ?? 0;
  const out = new Float32Array(teacher.length * width);
  teacher.forEach(({ anchor }, i) => {
    out.set(anchor, i * width);
  });
  return out;
}
