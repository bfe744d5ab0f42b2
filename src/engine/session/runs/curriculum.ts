import { type Stage, stageAt } from '../../../contract/methods/curriculum';
import { Owned } from '../../base/owned';
import type { Reasoning } from '../../decode/reasoning';
import type { OwnInputs } from '../../recipes/shared/recipe';
import type { AccumulatedRun } from '../../train/accumulate';
import type { Optimiser } from '../../train/optimiser';
import type { RunPolicy } from './policy';

/** What the stages of a run are made of. */
export interface CurriculumParts {
  /** At least one; the first begins at 0. */
  readonly stages: readonly Stage[];
  /** What distinguishes the recording of a stage: stages with the same one share its programs. */
  recordingOf(stage: number): string;
  inputs(stage: number): OwnInputs | undefined;
  reasoning(stage: number): Reasoning;
  /** Records and compiles a stage. */
  compile(stage: number, sizes: OwnInputs['sizes']): Promise<AccumulatedRun>;
  /** What batches of a stage are drawn from. @param inputs of that stage, which draw them */
  policy(stage: number, sizes: OwnInputs['sizes']): Promise<RunPolicy>;
  optimiser(): Promise<Optimiser>;
  /** Whether the optimiser starts anew before step t > 0. @param stageBegins at t */
  startsAnew(t: number, stageBegins: boolean): boolean;
}

/**
 * What the steps of a run are computed with: the recording of the stage that it is in, compiled when the stage begins and freed
 * when another one does, and the optimiser. Without a curriculum there is one stage.
 */
export class Curriculum {
  private compiled: { readonly recording: string; readonly run: AccumulatedRun } | undefined;
  private adamW: Optimiser | undefined;
  private stage = -1;
  inputs: OwnInputs | undefined;
  policy: RunPolicy | undefined;

  constructor(private readonly parts: CurriculumParts) {}

  /** Enters the stage of step t, from 0. @returns whether it is another one than before */
  async enter(t: number): Promise<boolean> {
    const { parts } = this;
    const next = stageAt(parts.stages, t);
    const begins = parts.stages[next]?.from === t;
    if (this.adamW && t > 0 && parts.startsAnew(t, begins)) {
      this.adamW.dispose();
      this.adamW = undefined;
    }
    this.adamW ??= await parts.optimiser();
    if (next === this.stage) return false;
    const inputs = parts.inputs(next);
    const recording = parts.recordingOf(next);
    if (this.compiled?.recording !== recording) {
      // Freed first: there is never room for two that is not needed for one.
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

  /** The current stage, and its place among all. */
  get current(): Stage & { readonly index: number; readonly of: number } {
    const { stages } = this.parts;
    return { ...(stages[this.stage] as Stage), index: this.stage, of: stages.length };
  }

  /** How the student reasons in the current stage. */
  get reasoning(): Reasoning {
    return this.parts.reasoning(this.stage);
  }

  /** Stands for the compiled step of whatever stage the run is in. */
  readonly step: AccumulatedRun = this.standIn();

  /** Stands for the optimiser, whether it has started anew or not. */
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
