import type { CallOptions, RunOptions } from '../../../contract/calls';
import { parseRunConfig, type RunConfig } from '../../../contract/config';
import type { RunResult, StudentReport } from '../../../contract/events';
import type { InputsRequest, RunInputs } from '../../../contract/inputs';
import type { CheckpointReport } from '../../../contract/lens';
import { methodOf } from '../../../contract/methods/index';
import type { KeptTeacher, TeacherSource } from '../../../contract/roles';
import type { RunCost } from '../../../contract/run-cost';
import { InputError } from '../../base/errors';
import type { Recipe } from '../../recipes/shared/recipe';
import { checkTrainable, parametersOf } from '../../recipes/shared/trained';
import type { Desk } from '../desk';
import { checkWidths } from '../models/equal-widths';
import { keptTeacher } from '../models/kept-teacher';
import { isBundled, resolveRoles, rolesOfStudent } from '../models/resolve-roles';
import type { Roles } from '../models/roles';
import { refuseUnlessBindable } from './bindable';
import type { RunContext } from './context';
import { LoopControl } from './control';
import { decodedSizes } from './decoded-sizes';
import { inputsOf } from './inputs';
import { costOf, planOf, rationaleRead } from './plan';
import { storageNote, studentOf } from './resume';
import { runDistillation } from './run';
import { runData } from './run-data';
import { type OpenedSnapshot, readSnapshot, snapshotBytes } from './snapshot-file';
import { stagesOf } from './stages';
import { reportOf } from './student';
import { teacherAccuracy } from './teacher-accuracy';

/** Runs, one at a time, and the students that they produce. */
export class RunRoom {
  constructor(private readonly desk: Desk) {}

  distil(value: RunConfig, options: RunOptions): Promise<RunResult> {
    return this.start(parseRunConfig(value, this.desk.methods), options);
  }

  async resume(file: Uint8Array<ArrayBuffer>, options: RunOptions): Promise<RunResult> {
    const from = await readSnapshot(file, this.desk.methods);
    return this.start(from.header.config, options, from);
  }

  control(command: 'pause' | 'resume' | 'stop'): void {
    const { running } = this.desk;
    if (!running) throw new InputError(`there is no run to ${command}`, 'Start a run first.');
    running.control[command]();
  }

  async cost(value: RunConfig, { signal }: CallOptions): Promise<RunCost> {
    const { desk } = this;
    const { runtime, models } = desk.provider();
    const config = parseRunConfig(value, desk.methods);
    const { recipe, roles } = this.partsOf(config);
    refuseUnlessBindable({ runtime, models, roles }, recipe, config);
    const asked = { rationale: rationaleRead(config, recipe), signal };
    const data = await runData(config, roles, desk.loadedModels(), asked);
    const plan = planOf(config, recipe, roles, stagesOf(config, desk.methods), data);
    const { heldStatesBytes } = desk.environment;
    const { decoded } = decodedSizes({ runtime, roles }, config, data, plan.reasonings);
    const cost = costOf(config, recipe, roles, {
      ...{ runtime, data, plan, decoded, heldStatesBytes },
      teacherIsKnown:
        isBundled(config, roles, desk.loadedModels()) &&
        desk.questions.knowsTeacherAccuracy(data.heldOut.length),
      pace: desk.runPace,
    });
    return { ...cost, kept: snapshotBytes(parametersOf(recipe, config, roles.student.config).all, config) };
  }

  async inputs({ config: value, of }: InputsRequest, { signal }: CallOptions): Promise<RunInputs> {
    const { methods } = this.desk;
    const config = parseRunConfig(value, methods);
    const { recipe, roles } = this.partsOf(config);
    return inputsOf(of, { ...{ config, recipe, roles, methods, signal }, loaded: this.desk.loadedModels() });
  }

  checkpoints(): readonly CheckpointReport[] {
    return this.desk.students.checkpoints.list(this.desk.methods);
  }

  openStudent(file: Uint8Array<ArrayBuffer>): Promise<StudentReport> {
    const { desk } = this;
    return desk.alone('open a student', async () => {
      const { student, note } = await this.studentIn(file);
      desk.students.open(student);
      return { ...reportOf(student, desk.methods), ...(note && { note }) };
    });
  }

  keepTeacher(source: TeacherSource): Promise<KeptTeacher> {
    const { desk } = this;
    return desk.queue.between(async () => {
      const ofRun = source.kind === 'run' ? await this.studentIn(source.file) : undefined;
      const kept = await keptTeacher(source, desk.loadedModels(), ofRun?.student);
      desk.students.teacher = kept;
      const { label, model, sha256 } = kept;
      return { label, model: model.report.name, sha256, ...(ofRun?.note && { note: ofRun.note }) };
    });
  }

  /** @throws InputError, ConfigError if the models of a configuration are missing or incompatible */
  partsOf(config: RunConfig): { readonly recipe: Recipe; readonly roles: Roles } {
    const { desk } = this;
    const recipe = this.recipeOf(config.method);
    const roles = resolveRoles(config, desk.loadedModels());
    checkTrainable(recipe, config, roles.student.config);
    if (recipe.usesTeacher(config))
      checkWidths(roles, recipe.comparesStates?.(config) ?? [methodOf(config.method, desk.methods).label]);
    return { recipe, roles };
  }

  private async start(config: RunConfig, options: RunOptions, from?: OpenedSnapshot): Promise<RunResult> {
    const { desk } = this;
    if (desk.running) throw new InputError('a run is already in progress', 'Stop it first.');
    const control = new LoopControl();
    desk.running = { control, signal: options.signal };
    // A paused run waits; cancelling must wake it.
    const wake = (): void => control.resume();
    options.signal?.addEventListener('abort', wake);
    return desk.queue
      .alone(() => this.run(config, control, options, from))
      .finally(() => {
        options.signal?.removeEventListener('abort', wake);
        desk.running = undefined;
      });
  }

  private async run(
    config: RunConfig,
    control: LoopControl,
    options: RunOptions,
    from?: OpenedSnapshot,
  ): Promise<RunResult> {
    const { desk } = this;
    const { runtime, models, device } = desk.provider();
    const { roles } = this.partsOf(config);
    const loaded = desk.loadedModels();
    const context: RunContext = {
      ...{ runtime, models, device, roles },
      heldStatesBytes: desk.environment.heldStatesBytes,
      data: (o) => runData(config, roles, loaded, o),
      recipes: desk.recipes,
      studentId: desk.students.nextId(),
      methods: desk.methods,
      teacherAccuracy: (data, o) =>
        isBundled(config, roles, loaded)
          ? desk.questions.teacherAccuracy(data.heldOut.length, o)
          : teacherAccuracy(models, roles, data, o),
      queuedCalls: desk.queue,
      pace: desk.runPace,
    };
    // A paused run computes nothing, and would not notice.
    const unhook = device?.onLoss((error) => control.interrupt(error));
    const during = desk.students.during(
      (sink) => runDistillation(context, config, control, sink, options, from),
      // What the lens gathered from its checkpoints is dropped with them.
      () => desk.states.drop('student'),
    );
    return during.finally(() => unhook?.());
  }

  /** The student of a snapshot file, and what is not as it was when it was trained. */
  private async studentIn(file: Uint8Array<ArrayBuffer>) {
    const { desk } = this;
    const snapshot = await readSnapshot(file, desk.methods);
    const student = studentOf(snapshot, {
      roles: rolesOfStudent(snapshot.header, desk.loadedModels()),
      recipe: this.recipeOf,
      methods: desk.methods,
      id: desk.students.nextId(),
    });
    return { student, note: student.roles && storageNote(snapshot.header, student.roles) };
  }

  private readonly recipeOf = (method: string): Recipe => {
    const { recipes } = this.desk;
    const recipe = recipes[method];
    if (!recipe)
      throw new InputError(
        `there is no recipe for the method "${method}"`,
        `Choose one of ${Object.keys(recipes).join(', ')}.`,
      );
    return recipe;
  };
}
