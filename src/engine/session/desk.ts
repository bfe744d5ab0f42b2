import type { CallOptions } from '../../contract/calls';
import type { Methods } from '../../contract/methods/method';
import { InputError } from '../base/errors';
import type { Recipe } from '../recipes/shared/recipe';
import { DataRoom } from './data/data-room';
import { ExclusiveQueue } from './exclusive-queue';
import { GenerationDecoders } from './generate/decoders';
import { LensPace } from './lens/pace';
import { StatesCache } from './lens/states-cache';
import { type Environment, noDevice, type Opened } from './models/environment';
import type { Pair } from './models/pair';
import type { ProblemSet } from './models/problems';
import type { LoadedModels, OpenedModel } from './models/subjects';
import { Questions } from './questions/questions';
import type { LoopControl } from './runs/control';
import { RunPace } from './runs/run-pace';
import type { Student } from './runs/student';
import { Students } from './runs/students';

/** The run in progress, as callers may control it. */
export interface RunUnderWay {
  readonly control: LoopControl;
  readonly signal: AbortSignal | undefined;
}

/**
 * What the rooms share: the provider, the models and students, what has been made from them, and the queue in
 * which calls that use them are served.
 */
export class Desk {
  opened: Opened | undefined;
  loaded: { readonly pair: Pair; readonly problems: ProblemSet } | undefined;
  openedModel: OpenedModel | undefined;
  running: RunUnderWay | undefined;
  readonly students = new Students(() => {
    this.questions.close();
    this.states.drop('student');
  });
  readonly questions = new Questions(() => ({ ...this.provider(), ...this.loaded }));
  readonly data = new DataRoom();
  /** Hidden states the lens has gathered. */
  readonly states = new StatesCache();
  readonly generation = new GenerationDecoders();
  readonly pace = new LensPace();
  readonly runPace = new RunPace();
  readonly queue = new ExclusiveQueue();
  /** Reading files uses no model, so it has a queue of its own. */
  readonly files = new ExclusiveQueue();

  /** @param recipes by method id  @param methods those that a configuration may name */
  constructor(
    readonly environment: Environment,
    readonly recipes: Readonly<Record<string, Recipe>>,
    readonly methods: Methods,
  ) {}

  /** @throws DeviceError if no provider is open */
  provider(): Opened {
    if (!this.opened) throw noDevice();
    return this.opened;
  }

  /** @throws InputError if no pair is loaded */
  ready(): { readonly pair: Pair; readonly problems: ProblemSet } {
    this.provider();
    if (!this.loaded) throw new InputError('no models are loaded', 'Load the bundled pair first.');
    return this.loaded;
  }

  /** The student of the last run. */
  get student(): Student | undefined {
    return this.students.last;
  }

  /** Everything that can be examined; without a pair, only the opened checkpoint. */
  loadedModels(): LoadedModels {
    return {
      ...this.loaded,
      student: this.student,
      kept: this.students.teacher,
      checkpoints: this.students.checkpoints.byId,
      opened: this.openedModel,
      provider: this.opened?.report.provider,
      data: this.data.opened,
    };
  }

  /**
   * Runs `work` after earlier calls, or between two steps of a run, on the provider and models that are there
   * by then.
   */
  onModels<T>(
    { signal }: Pick<CallOptions, 'signal'>,
    work: (on: Opened & { readonly loaded: LoadedModels }) => Promise<T>,
  ): Promise<T> {
    return this.queue.between(async () => work({ ...this.provider(), loaded: this.loadedModels() }), signal);
  }

  /**
   * Runs `work` after all earlier calls. Refused during a run, where it would wait for minutes, or forever if
   * the run is paused; a run that was stopped or cancelled is waited for.
   */
  async alone<T>(what: string, work: () => Promise<T>): Promise<T> {
    const ending = this.running?.control.stopped || this.running?.signal?.aborted;
    if (this.running && !ending)
      throw new InputError(
        `cannot ${what} while a run is in progress`,
        'Stop it first, or wait until it ends.',
      );
    return this.queue.alone(work);
  }
}
