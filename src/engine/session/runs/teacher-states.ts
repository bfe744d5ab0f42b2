import { Owned } from '../../base/owned';
import type { TokenLayout } from '../../base/tokens';
import { tokenBatch } from '../../data/batch';
import type { RationaleForm, TokenProblem } from '../../data/tokens';
import { explicitly } from '../../decode/reasoning';
import { uploadParameters } from '../../model/upload-parameters';
import { NO_PARAMETERS } from '../../nn/parameters';
import {
  recordTeacher,
  statesOfSamples,
  TEACHER_STATES,
  type TeacherStates,
} from '../../recipes/shared/teacher';
import { tokenFeeds } from '../../recipes/shared/token-inputs';
import type { DeviceTensor } from '../../runtime/tensor';
import { compileWhole } from '../../train/compile-whole';
import { ParameterSet } from '../../train/parameters';
import { Tape } from '../../train/tape/tape';
import type { DeviceModels } from '../models/device-models';
import { fitting } from '../models/fits';
import type { Example } from '../models/problems';
import type { Roles } from '../models/roles';

export interface TeacherOptions {
  /** Default: whole steps. */
  readonly rationale?: RationaleForm;
  readonly onProgress?: (done: number, total: number) => void;
  /** Awaited before each batch: it waits while the run is paused, and rejects when it is cancelled. */
  readonly between?: () => Promise<void>;
}

/** The teacher's hidden states on every example, as many of `asked.batch` at a time as fit. @throws MemoryError if none does */
export async function teacherStates(
  models: DeviceModels,
  { teacher, codec }: Pick<Roles, 'teacher' | 'codec'>,
  examples: readonly Example[],
  asked: TokenLayout,
  { rationale, onProgress, between }: TeacherOptions = {},
): Promise<TeacherStates[]> {
  const { runtime } = models;
  const tokens = asked.question + asked.explicit;
  const wanted = { kind: 'see', sequences: asked.batch, tokens } as const;
  const { sequences } = fitting(teacher.model.config, runtime.provider, wanted, 'the teacher pass');
  const layout = { ...asked, batch: sequences };
  const owned = new Owned();
  try {
    const model = owned.add(models.use(teacher.model));
    const { parameters, reasoning, packs } = teacher.adapter ?? { parameters: NO_PARAMETERS, packs: [] };
    const set = new ParameterSet(model.config, parameters.adapters, parameters.modules);
    const tape = new Tape(set, layout.batch);
    recordTeacher(tape, layout, explicitly(reasoning).adapters);
    const pass = owned.add(await compileWhole(model, tape, 'teacher'));
    const values = uploadParameters(models.runtime, model.config, parameters, packs);
    for (const value of values) owned.add(value);
    const out: TeacherStates[] = [];
    for (let from = 0; from < examples.length; from += layout.batch) {
      await between?.();
      const chunk = examples.slice(from, from + layout.batch);
      const tokens = chunk.map(({ problem }) => codec.encode(problem, rationale));
      const filled = Array.from({ length: layout.batch }, (_, i) => tokens[i] ?? (tokens[0] as TokenProblem));
      const { outputs } = await pass.run(tokenFeeds(tokenBatch(filled, codec, layout)), values);
      const states = (await (outputs[TEACHER_STATES] as DeviceTensor).read()) as Float32Array<ArrayBuffer>;
      const lengths = tokens.map((t) => t.rationale.length);
      out.push(...statesOfSamples(states, lengths, layout, model.config.layers * model.config.hiddenSize));
      onProgress?.(out.length, examples.length);
    }
    return out;
  } finally {
    await owned.dispose();
  }
}
