import type { TokenLayout } from '../base/tokens';
import type { Graph, Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { DecoderConfig } from '../nn/config';
import { type LatentFilter, type QuestionRun, runContinuation, runLatents, runQuestion } from '../nn/latent';
import type { LoraSpec } from '../nn/lora';
import { type StackModel, stackModel } from '../nn/stack';
import { headCrossEntropy } from '../nn/vocabulary';

/** What a student step is traced from. Letters as in `TokenLayout`, and K latent steps, L blocks, H hidden size. */
export interface PathSpec {
  readonly config: DecoderConfig;
  readonly lora: LoraSpec;
  readonly layout: TokenLayout;
  /** K; 0 answers directly. */
  readonly latentSteps: number;
  readonly filter: LatentFilter;
  /** Whether the explicit pass (question, rationale, answer) is run as well. */
  readonly explicit: boolean;
}

/** The student's forward pass in a graph: what losses may read. */
export interface StudentPaths {
  readonly model: StackModel;
  /** H_S [B, K, L, H]; undefined without latents. */
  readonly latents: Tensor | undefined;
  /** States at the anchor, [B, L, H]. */
  readonly anchor: Tensor;
  /** Mean cross entropy of the answer, [] */
  readonly answerLoss: Tensor;
  /** Mean cross entropy of rationale, prompt and answer, []; undefined without the explicit pass. */
  readonly explicitLoss: Tensor | undefined;
}

/** Names of the step's token inputs, as `tokenFeeds` binds them. */
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

/** Question ∥ K latents ∥ answer prompt ∥ answer, and question ∥ rationale ∥ prompt ∥ answer from the same question. */
export function tracePaths(graph: Graph, spec: PathSpec): StudentPaths {
  const { batch: B, question: S, prompt: P, answer: A, explicit: R } = spec.layout;
  const model = stackModel(graph, spec.config, spec.lora);
  const question = runQuestion(
    model,
    graph.input(TOKEN_INPUTS.questionIds, [B, S], 'i32'),
    graph.input(TOKEN_INPUTS.questionMask, [B, 1, 1, S]),
  );
  const K = spec.latentSteps;
  const latents = K > 0 ? runLatents(model, question, K, spec.filter) : undefined;
  const before = latents ?? { kv: question.kv, columns: S };

  const answer = runContinuation(
    model,
    question,
    before,
    graph.input(TOKEN_INPUTS.answerIds, [B, P + A - 1], 'i32'),
    'answer',
  );
  const H = spec.config.hiddenSize;
  const positions = P + A - 1;
  const rowsOf = (x: Tensor): Tensor => o.reshape(x, [B, positions, H]);
  const last = answer.hidden[answer.hidden.length - 1] as Tensor;
  const answerLoss = graph.scope('answer loss', () =>
    headCrossEntropy(
      model,
      o.reshape(o.slice(rowsOf(last), 1, P - 1, positions), [B * A, H]),
      graph.input(TOKEN_INPUTS.answerTargets, [B, A], 'i32'),
      graph.input(TOKEN_INPUTS.answerWeights, [B, A]),
    ),
  );
  return {
    model,
    latents: latents && stackStates(latents.hidden, B, H),
    anchor: o.concat(
      answer.hidden.map((h) => o.slice(rowsOf(h), 1, P - 1, P)),
      1,
    ),
    answerLoss,
    explicitLoss: spec.explicit ? explicitLoss(model, question, B, R) : undefined,
  };
}

function explicitLoss(model: StackModel, question: QuestionRun, B: number, R: number): Tensor {
  const { graph } = model;
  const H = model.config.hiddenSize;
  const ids = graph.input(TOKEN_INPUTS.explicitIds, [B, R - 1], 'i32');
  const before = { kv: question.kv, columns: question.columns };
  const run = runContinuation(model, question, before, ids, 'explicit');
  const states = o.reshape(run.hidden[run.hidden.length - 1] as Tensor, [B, R - 1, H]);
  const all = o.reshape(o.concat([o.reshape(question.last, [B, 1, H]), states], 1), [B * R, H]);
  return graph.scope('explicit loss', () =>
    headCrossEntropy(
      model,
      all,
      graph.input(TOKEN_INPUTS.explicitTargets, [B, R], 'i32'),
      graph.input(TOKEN_INPUTS.explicitWeights, [B, R]),
    ),
  );
}

/** States by step and block, each [B, H] → [B, K, L, H]. */
function stackStates(hidden: readonly (readonly Tensor[])[], B: number, H: number): Tensor {
  const steps = hidden.map((states) => {
    const blocks = o.concat(
      states.map((h) => o.reshape(h, [B, 1, H])),
      1,
    );
    return o.reshape(blocks, [B, 1, states.length, H]);
  });
  return o.concat(steps, 1);
}
