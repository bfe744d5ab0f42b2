import type { TokenBatch, TokenLayout } from '../base/tokens';
import { Graph, type Program } from '../graph/graph';
import * as o from '../graph/ops';
import type { DecoderConfig } from '../nn/config';
import { runContinuation, runQuestion } from '../nn/latent';
import { stackModel } from '../nn/stack';
import { namedWeights, type Weights } from '../nn/weights';
import type { Executable } from '../runtime/executable';
import { compileFrozen } from '../runtime/frozen';
import type { Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import { BoundFeeds } from './feeds';
import { TOKEN_INPUTS } from './paths';

/** The teacher's hidden states on one sample: hidden_states[1..L], the last one after the final norm. */
export interface TeacherStates {
  /** Rationale tokens, [N, L, H]. */
  readonly rationale: Float32Array<ArrayBuffer>;
  /** N */
  readonly tokens: number;
  /** The answer prompt's last token, [L, H]. */
  readonly anchor: Float32Array<ArrayBuffer>;
}

/** Teacher-forced on question ∥ rationale ∥ answer prompt ∥ answer: `states` [B, R − 1, L, H]. */
export function teacherProgram(config: DecoderConfig, layout: TokenLayout): Program {
  const { batch: B, question: S, explicit: R } = layout;
  const graph = new Graph();
  const model = stackModel(graph, config);
  const question = runQuestion(
    model,
    graph.input(TOKEN_INPUTS.questionIds, [B, S], 'i32'),
    graph.input(TOKEN_INPUTS.questionMask, [B, 1, 1, S]),
  );
  const ids = graph.input(TOKEN_INPUTS.explicitIds, [B, R - 1], 'i32');
  const run = runContinuation(model, question, { kv: question.kv, columns: S }, ids, 'rationale');
  const shape = [B, R - 1, 1, config.hiddenSize];
  return {
    name: 'teacher',
    outputs: {
      states: o.concat(
        run.hidden.map((h) => o.reshape(h, shape)),
        2,
      ),
    },
  };
}

export interface TeacherPass {
  /** @param lengths rationale tokens of each row of the batch, N */
  run(batch: TokenBatch, lengths: readonly number[]): Promise<TeacherStates[]>;
  dispose(): void;
}

export async function compileTeacher(
  runtime: Runtime,
  config: DecoderConfig,
  layout: TokenLayout,
  weights: Weights,
): Promise<TeacherPass> {
  const frozen = await compileFrozen(runtime, [teacherProgram(config, layout)], namedWeights(weights));
  const [executable] = frozen.executables as [Executable];
  const inputs = new BoundFeeds(runtime);
  const { batch: B, explicit: R, prompt: P } = layout;
  const { layers: L, hiddenSize: H } = config;
  return {
    async run(batch, lengths) {
      inputs.write({
        [TOKEN_INPUTS.questionIds]: batch.question.ids,
        [TOKEN_INPUTS.questionMask]: batch.question.keyMask,
        [TOKEN_INPUTS.explicitIds]: batch.explicit.ids,
      });
      const outputs = await executable.run({ ...frozen.tensors, ...inputs.tensors });
      const states = outputs.states as DeviceTensor;
      const all = (await states.read()) as Float32Array<ArrayBuffer>;
      states.dispose();
      const row = L * H;
      return lengths.slice(0, B).map((N, b) => {
        const start = b * (R - 1) * row;
        const anchor = start + (N + P - 1) * row;
        return {
          rationale: all.slice(start, start + N * row),
          tokens: N,
          anchor: all.slice(anchor, anchor + row),
        };
      });
    },
    dispose() {
      inputs.dispose();
      frozen.dispose();
    },
  };
}
