import type { HostTensor } from '../../base/dtype';
import type { TokenBatch } from '../../base/tokens';

/** Names of a batch's token inputs. */
export const TOKEN_INPUTS = {
  questionIds: 'question.ids',
  questionMask: 'question.keyMask',
  answerIds: 'answer.ids',
  answerTargets: 'answer.targets',
  answerWeights: 'answer.weights',
  replyTargets: 'reply.targets',
  replyWeights: 'reply.weights',
  explicitIds: 'explicit.ids',
  explicitTargets: 'explicit.targets',
  explicitWeights: 'explicit.weights',
  explicitAnchors: 'explicit.anchors',
} as const;

/** A batch's tokens by input name. A tape reads only the inputs it recorded. */
export const tokenFeeds = ({
  question,
  answer,
  reply,
  explicit,
}: TokenBatch): Record<string, HostTensor> => ({
  [TOKEN_INPUTS.questionIds]: question.ids,
  [TOKEN_INPUTS.questionMask]: question.keyMask,
  [TOKEN_INPUTS.answerIds]: answer.ids,
  [TOKEN_INPUTS.answerTargets]: answer.targets,
  [TOKEN_INPUTS.answerWeights]: answer.weights,
  [TOKEN_INPUTS.replyTargets]: reply.targets,
  [TOKEN_INPUTS.replyWeights]: reply.weights,
  [TOKEN_INPUTS.explicitIds]: explicit.ids,
  [TOKEN_INPUTS.explicitTargets]: explicit.targets,
  [TOKEN_INPUTS.explicitWeights]: explicit.weights,
  [TOKEN_INPUTS.explicitAnchors]: explicit.anchors,
});
