import type { HostTensor } from '../base/dtype';
import type { TokenBatch } from '../base/tokens';
import type { DeviceTensor } from '../runtime/tensor';
import type { StateLoss } from './losses/state-loss';
import { type PathSpec, TOKEN_INPUTS } from './paths';

/** What a method asks of a step, besides the paths: weights of the cross entropies and losses on hidden states. */
export interface StepSpec extends PathSpec {
  /** λ of cross entropy on the answer, and the weight of the explicit pass (0 leaves it out of the graph). */
  readonly answerWeight: number;
  readonly explicitWeight: number;
  readonly stateLosses: readonly StateLoss[];
}

/** One training step without its update: losses and gradients of one batch. */
export interface TrainStep {
  /** Names of the weighted loss terms, in order; their sum is the loss. */
  readonly terms: readonly string[];
  /** Distinct programs and nodes compiled. */
  readonly programs: number;
  readonly nodes: number;
  /**
   * @param parameters LoRA packs, one a block
   * @returns weighted terms, and the gradient of each pack in tensors that belong to the step and are overwritten by
   *   its next run
   */
  run(feeds: Readonly<Record<string, HostTensor>>, parameters: readonly DeviceTensor[]): Promise<StepOutput>;
  dispose(): void;
}

export interface StepOutput {
  /** [terms], weighted; the step's own until its next run, as the gradients are. */
  readonly terms: DeviceTensor;
  readonly gradients: readonly DeviceTensor[];
}

/** The inputs of a step for a batch; `samples` are its indices into the training set, for the losses' targets. */
export function stepFeeds(
  spec: StepSpec,
  batch: TokenBatch,
  samples: readonly number[],
): Record<string, HostTensor> {
  const feeds: Record<string, HostTensor> = {
    [TOKEN_INPUTS.questionIds]: batch.question.ids,
    [TOKEN_INPUTS.questionMask]: batch.question.keyMask,
    [TOKEN_INPUTS.answerIds]: batch.answer.ids,
    [TOKEN_INPUTS.answerTargets]: batch.answer.targets,
    [TOKEN_INPUTS.answerWeights]: batch.answer.weights,
  };
  if (spec.explicit) {
    feeds[TOKEN_INPUTS.explicitIds] = batch.explicit.ids;
    feeds[TOKEN_INPUTS.explicitTargets] = batch.explicit.targets;
    feeds[TOKEN_INPUTS.explicitWeights] = batch.explicit.weights;
  }
  for (const loss of spec.stateLosses) Object.assign(feeds, loss.feeds(samples));
  return feeds;
}

/** Names of a step's terms. */
export function termNames(spec: StepSpec): string[] {
  return [
    ...spec.stateLosses.flatMap((loss) => loss.terms),
    'answer',
    ...(spec.explicit ? ['explicit'] : []),
  ];
}
