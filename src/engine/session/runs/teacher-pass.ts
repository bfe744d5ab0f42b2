import { Owned } from '../../base/owned';
import type { TokenLayout } from '../../base/tokens';
import { tokenBatch } from '../../data/batch';
import type { RationaleForm, TokenProblem } from '../../data/tokens';
import { explicitly } from '../../decode/reasoning';
import { uploadParameters } from '../../model/upload-parameters';
import { ParameterSet } from '../../nn/parameter-set';
import { NO_PARAMETERS } from '../../nn/parameters';
import {
  recordTeacher,
  statesOfSamples,
  TEACHER_STATES,
  type TeacherReader,
} from '../../recipes/shared/teacher';
import { tokenFeeds } from '../../recipes/shared/token-inputs';
import type { DeviceTensor } from '../../runtime/tensor';
import { compileWhole } from '../../train/compile-whole';
import { Tape } from '../../train/tape/tape';
import type { DeviceModels } from '../models/device-models';
import { fitting } from '../models/fits';
import type { Example } from '../models/problems';
import type { Roles } from '../models/roles';

export interface TeacherOptions {
  /** Default: whole steps. */
  readonly rationale?: RationaleForm;
  /** Whether all samples' states may be held: if so, a batch of the run is read at a time, else a single sample. */
  readonly holds: boolean;
  /** Called when all samples have been read, once per reading. */
  readonly onRead?: () => void;
  /** Samples read so far in this reading. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Awaited before each batch: it waits while the run is paused, and rejects when it is cancelled. */
  readonly between?: () => Promise<void>;
}

/** The teacher's hidden states on every example. It is on the device from the first reading until it is disposed of. */
export class TeacherPass implements TeacherReader {
  readonly tokens: readonly number[];
  readonly holds: boolean;
  private readonly layout: TokenLayout;
  private readonly encoded: readonly TokenProblem[];
  /** What has been on the device since the first reading. */
  private readonly owned = new Owned();
  private opened: ReturnType<TeacherPass['open']> | undefined;

  /** @throws MemoryError if not even one sample fits at a time */
  constructor(
    private readonly models: DeviceModels,
    private readonly roles: Pick<Roles, 'teacher' | 'codec'>,
    examples: readonly Pick<Example, 'problem'>[],
    asked: TokenLayout,
    private readonly options: TeacherOptions,
  ) {
    const { codec, teacher } = roles;
    this.holds = options.holds;
    this.encoded = examples.map(({ problem }) => codec.encode(problem, options.rationale));
    this.tokens = this.encoded.map(({ rationale }) => rationale.length);
    const tokens = asked.question + asked.explicit;
    const wanted = { kind: 'see', sequences: options.holds ? asked.batch : 1, tokens } as const;
    const { sequences } = fitting(teacher.model.config, models.runtime.provider, wanted, 'the teacher pass');
    this.layout = { ...asked, batch: sequences };
  }

  async each(visit: Parameters<TeacherReader['each']>[0]): Promise<void> {
    const { layout, encoded, options } = this;
    this.opened ??= this.open();
    const { pass, values, row } = await this.opened;
    for (let from = 0; from < encoded.length; from += layout.batch) {
      await options.between?.();
      const tokens = encoded.slice(from, from + layout.batch);
      const filled = Array.from({ length: layout.batch }, (_, i) => tokens[i] ?? (tokens[0] as TokenProblem));
      const { outputs } = await pass.run(tokenFeeds(tokenBatch(filled, this.roles.codec, layout)), values);
      const states = (await (outputs[TEACHER_STATES] as DeviceTensor).read()) as Float32Array<ArrayBuffer>;
      const lengths = this.tokens.slice(from, from + layout.batch);
      for (const [i, one] of statesOfSamples(states, lengths, layout, row).entries())
        await visit(one, from + i);
      options.onProgress?.(from + tokens.length, encoded.length);
    }
    options.onRead?.();
  }

  /** Frees the teacher, unless something else has it on the device. */
  async dispose(): Promise<void> {
    await this.owned.dispose();
  }

  private async open() {
    const { models, layout, owned } = this;
    const { teacher } = this.roles;
    const model = owned.add(models.use(teacher.model));
    const { parameters, reasoning, packs } = teacher.adapter ?? { parameters: NO_PARAMETERS, packs: [] };
    const set = new ParameterSet(model.config, parameters.adapters, parameters.modules, parameters.weights);
    const tape = new Tape(set, layout.batch);
    recordTeacher(tape, layout, explicitly(reasoning).adapters);
    const pass = owned.add(await compileWhole(model, tape, 'teacher'));
    const values = uploadParameters(models.runtime, model.config, parameters, packs);
    for (const value of values) owned.add(value);
    return { pass, values, row: model.config.layers * model.config.hiddenSize };
  }
}
