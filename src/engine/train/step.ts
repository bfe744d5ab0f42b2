import type { HostTensor } from '../base/dtype';
import type { TokenBatch } from '../base/tokens';
import type { DeviceTensor } from '../runtime/tensor';

/** A tape made ready to run. */
export interface TapeRun {
  /** Names of the weighted loss terms, in order; their sum is the loss. */
  readonly terms: readonly string[];
  /** Distinct programs and nodes compiled for it. */
  readonly programs: number;
  readonly nodes: number;
  /**
   * @param parameters in the order of the tape's parameter set
   * @returns terms, gradients and outputs in tensors that belong to it and are overwritten by its next run
   */
  run(feeds: Readonly<Record<string, HostTensor>>, parameters: readonly DeviceTensor[]): Promise<TapeOutput>;
  dispose(): Promise<void>;
}

export interface TapeOutput {
  /** [terms], weighted; undefined where the tape has none, and then there are no gradients. */
  readonly terms: DeviceTensor | undefined;
  /** In the order of the parameters. */
  readonly gradients: readonly DeviceTensor[];
  /** What the tape gives out, by name. */
  readonly outputs: Readonly<Record<string, DeviceTensor>>;
}

/** Names of a batch's token inputs. */
export const TOKEN_INPUTS = {
  questionIds: 'question.ids',
  questionMask: 'question.keyMask',
  answerIds: 'answer.ids',
  answerTargets: 'answer.targets',
  answerWeights: 'answer.weights',
  explicitIds: 'explicit.ids',
  explicitTargets: 'explicit.targets',
  explicitWeights: 'explicit.weights',
} as const;

/** A batch's tokens by input name. A tape reads what it recorded; the rest is left alone. */
export const tokenFeeds = ({ question, answer, explicit }: TokenBatch): Record<string, HostTensor> => ({
  [TOKEN_INPUTS.questionIds]: question.ids,
  [TOKEN_INPUTS.questionMask]: question.keyMask,
  [TOKEN_INPUTS.answerIds]: answer.ids,
  [TOKEN_INPUTS.answerTargets]: answer.targets,
  [TOKEN_INPUTS.answerWeights]: answer.weights,
  [TOKEN_INPUTS.explicitIds]: explicit.ids,
  [TOKEN_INPUTS.explicitTargets]: explicit.targets,
  [TOKEN_INPUTS.explicitWeights]: explicit.weights,
});
