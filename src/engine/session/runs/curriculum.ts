import { type Stage, stageAt } from '../../../contract/methods/curriculum';
import { BUG, RuntimeError } from '../../base/errors';
import { Owned } from '../../base/owned';
import type { Reasoning } from '../../decode/reasoning';
import type { OwnInputs, StageOptimiser } from '../../recipes/shared/recipe';
import type { AccumulatedRun } from '../../train/accumulate';
import type { ScheduleSpan } from '../../train/loop';
import type { Optimiser } from '../../train/optimiser';
import type { RunPolicy } from './policy';

/** What the stages of a run are made of. */
export interface CurriculumParts {
  /** At least one; the first begins at step 0. */
  readonly stages: readonly Stage[];
  /** A key of the stage's recording: stages with the same one share its programs. */
  recordingOf(stage: number): string;
  inputs(stage: number): OwnInputs | undefined;
  reasoning(stage: number): Reasoning;
  /** Records and compiles a stage. */
  compile(stage: number, sizes: OwnInputs['sizes']): Promise<AccumulatedRun>;
  /** The policy that a stage's batches are drawn from. */
  policy(stage: number, sizes: OwnInputs['sizes']): Promise<RunPolicy>;
  optimiser(stage: number): Promise<Optimiser>;
  /** See `Recipe.optimised`. */
  readonly optimised: ((stage: number) => StageOptimiser) | undefined;
  /** Whether the optimiser restarts before step t > 0. @param stageBegins at t */
  startsAnew(t: number, stageBegins: boolean): boolean;
}

/**
 * What a run's steps are computed with: the recording of the current stage, compiled when the stage begins
 * and freed when another one does, and the optimiser. Without a curriculum there is one stage.
 */
export class Curriculum {
  private compiled: { readonly recording: string; readonly run: AccumulatedRun } | undefined;
  private adamW: Optimiser | undefined;
  private stage = -1;
  inputs: OwnInputs | undefined;
  policy: RunPolicy | undefined;

  constructor(private readonly parts: CurriculumParts) {}

  /** Enters the stage of step t, from 0. @returns whether the stage has changed */
  async enter(t: number): Promise<boolean> {
    const { parts } = this;
    const next = stageAt(parts.stages, t);
    if (this.adamW && t > 0 && parts.startsAnew(t, this.begins(t))) {
      this.adamW.dispose();
      this.adamW = undefined;
    }
    this.adamW ??= await parts.optimiser(next);
    if (next === this.stage) return false;
    const inputs = parts.inputs(next);
    const recording = parts.recordingOf(next);
    if (this.compiled?.recording !== recording) {
      // Freed first, so that memory is never needed for two at once.
      const before = this.compiled;
      this.compiled = undefined;
      await before?.run.dispose();
      this.compiled = { recording, run: await parts.compile(next, inputs?.sizes) };
    }
    const { policy } = this;
    this.policy = undefined;
    await policy?.dispose();
    if (inputs?.draw) this.policy = await parts.policy(next, inputs.sizes);
    this.stage = next;
    this.inputs = inputs;
    return true;
  }

  /** Whether another stage than the current one begins at step t, from 0. */
  isEntering(t: number): boolean {
    return stageAt(this.parts.stages, t) !== this.stage;
  }

  /** Whether a stage begins at step t, from 0. */
  begins(t: number): boolean {
    const { stages } = this.parts;
    return stages[stageAt(stages, t)]?.from === t;
  }

  /** The current stage, and its index among all. */
  get current(): Stage & { readonly index: number; readonly of: number } {
    const { stages } = this.parts;
    return { ...(stages[this.stage] as Stage), index: this.stage, of: stages.length };
  }

  /** The current stage's steps, of `total`, and their schedule. @throws RuntimeError where stages have none of their own */
  span(total: number): ScheduleSpan {
    const { stages, optimised } = this.parts;
    if (!optimised) throw new RuntimeError('stages share one schedule', BUG);
    const { from, index } = this.current;
    return { ...optimised(index), from, steps: (stages[index + 1]?.from ?? total) - from };
  }

  /** How the student reasons in the current stage. */
  get reasoning(): Reasoning {
    return this.parts.reasoning(this.stage);
  }

  /** Delegates to the compiled step of the current stage. */
  readonly step: AccumulatedRun = this.standIn();

  /** Delegates to the current optimiser, which may have been restarted. */
  readonly optimiser: Optimiser = {
    update: (...of) => (this.adamW as Optimiser).update(...of),
    state: () => (this.adamW as Optimiser).state(),
    dispose: () => this.adamW?.dispose(),
  };

  async dispose(): Promise<void> {
    const owned = new Owned();
    const { adamW, compiled, policy } = this;
    if (policy) owned.add(policy);
    if (adamW) owned.add(adamW);
    if (compiled) owned.add(compiled.run);
    await owned.dispose();
  }

  private standIn(): AccumulatedRun {
    const run = (): AccumulatedRun => (this.compiled as { run: AccumulatedRun }).run;
    return {
      get terms() {
        return run().terms;
      },
      get programs() {
        return run().programs;
      },
      get nodes() {
        return run().nodes;
      },
      run: (...of) => run().run(...of),
      dispose: () => run().dispose(),
    };
  }
}
