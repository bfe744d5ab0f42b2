import type { Reasoning } from '../../decode/reasoning';
import { uploadParameters } from '../../model/upload-parameters';
import type { DecoderConfig } from '../../nn/config';
import type { Runtime } from '../../runtime/runtime';
import type { DeviceTensor } from '../../runtime/tensor';
import type { Values } from './snapshot-file';
import type { Student } from './student';

/** A copy that is kept because of its validation accuracy. */
export interface BestCopy {
  readonly step: number;
  /** Validation problems it solved. */
  readonly correct: number;
  readonly values: Values;
}

/** The parameters after a step. */
export interface AdapterState {
  readonly values: Values;
  readonly best: BestCopy | null;
}

/**
 * A student's parameters where they are trained, with a copy in host memory that survives a lost GPU and a run that
 * diverges.
 */
export class TrainedAdapter {
  readonly packs: readonly DeviceTensor[];
  private best = -1;
  /** The step of the copy in the student; 0 if the student holds nothing trained. */
  copiedStep = 0;
  /** How the current parameters are run; the student's own belongs to its copy. */
  reasoning: Reasoning;

  constructor(
    runtime: Runtime,
    config: DecoderConfig,
    /** Holds the copy. */
    public student: Student,
    /** Keep the copy with the best validation accuracy (the latest of equals) rather than the last one. */
    private readonly keepBest: boolean,
    /** For a resumed run, where it continues: its state after `step`. */
    from?: AdapterState & { readonly step: number },
  ) {
    this.reasoning = student.reasoning;
    if (from) {
      this.best = from.best?.correct ?? -1;
      this.copy(from.best?.step ?? from.step, from.best?.values ?? from.values);
    }
    const values = from?.values ?? student.packs;
    this.packs = uploadParameters(runtime, config, student.parameters, values);
  }

  /** Starts another stage of the run, for which the best copy of the previous one is no reference. */
  enters(reasoning: Reasoning): void {
    this.reasoning = reasoning;
    this.best = -1;
  }

  /** Copies the parameters after `step`, unless a better copy is kept. @param correct validation problems solved */
  async offer(step: number, correct: number): Promise<void> {
    if (this.keepBest && correct < this.best) return;
    this.best = correct;
    this.copy(step, await this.read());
  }

  /** The parameters after `step` steps. Unless a better copy is kept, they become the student's too. */
  async snapshot(step: number): Promise<Values> {
    // Untrained parameters are not worth keeping after a failure.
    if (step === 0) return this.student.packs.map((pack) => pack.slice());
    const packs = await this.read();
    if (!this.keepBest || this.best < 0) this.copy(step, packs);
    return packs;
  }

  /**
   * The parameters as a snapshot stores them; `null` if one of them is not finite, in which case nothing is
   * copied.
   */
  async state(step: number): Promise<AdapterState | null> {
    const values = step === 0 ? this.student.packs.map((pack) => pack.slice()) : await this.read();
    if (!values.every(isFinite)) return null;
    const hasBest = this.keepBest && this.best >= 0;
    if (step > 0 && !hasBest) this.copy(step, values);
    const { copiedStep, best: correct, student } = this;
    return { values, best: hasBest ? { step: copiedStep, correct, values: student.packs } : null };
  }

  /** Settles the final parameters: restores the best copy, or copies the current ones. @param step the last one done */
  async settle(step: number): Promise<void> {
    if (!this.keepBest || this.best < 0) {
      if (step > 0) this.copy(step, await this.read());
      return;
    }
    for (const [i, pack] of this.packs.entries())
      pack.write(this.student.packs[i] as Float32Array<ArrayBuffer>);
  }

  dispose(): void {
    for (const pack of this.packs) pack.dispose();
  }

  read(): Promise<Values> {
    return Promise.all(this.packs.map((pack) => pack.read())) as Promise<Values>;
  }

  private copy(step: number, packs: Values): void {
    packs.forEach((values, i) => {
      (this.student.packs[i] as Float32Array).set(values);
    });
    this.student = { ...this.student, reasoning: this.reasoning };
    this.copiedStep = step;
  }
}

const isFinite = (values: Float32Array): boolean => values.every((value) => Number.isFinite(value));
