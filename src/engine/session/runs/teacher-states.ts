import { throwIfCancelled } from '../../base/errors';
import type { TokenLayout } from '../../base/tokens';
import { tokenBatch } from '../../data/batch';
import type { RationaleForm, TokenProblem } from '../../data/tokens';
import type { Runtime } from '../../runtime/runtime';
import { compileTeacher, type TeacherStates } from '../../train/teacher';
import type { Pair } from '../models/pair';
import type { Example } from '../models/problems';

/** The teacher's states on every example, batch by batch; `layout.batch` at a time. */
export async function teacherStates(
  runtime: Runtime,
  pair: Pair,
  examples: readonly Example[],
  layout: TokenLayout,
  options: {
    /** Default: whole steps. */
    readonly rationale?: RationaleForm;
    readonly onProgress?: (done: number, total: number) => void;
    readonly signal?: AbortSignal;
  } = {},
): Promise<TeacherStates[]> {
  const { batch: B } = layout;
  const teacher = await compileTeacher(runtime, pair.teacher.config, layout, pair.teacher.weights);
  const out: TeacherStates[] = [];
  try {
    for (let from = 0; from < examples.length; from += B) {
      throwIfCancelled(options.signal, 'the teacher pass');
      const chunk = examples.slice(from, from + B);
      const tokens = chunk.map(({ problem }) => pair.codec.encode(problem, options.rationale));
      const filled = Array.from({ length: B }, (_, i) => tokens[i] ?? (tokens[0] as TokenProblem));
      const lengths = tokens.map(({ rationale }) => rationale.length);
      out.push(...(await teacher.run(tokenBatch(filled, pair.codec, layout), lengths)));
      options.onProgress?.(out.length, examples.length);
    }
  } finally {
    teacher.dispose();
  }
  return out;
}
