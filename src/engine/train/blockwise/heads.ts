import { vjp } from '../../graph/gradient';
import { Graph, type Program, type Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import { outerModel } from '../../nn/programs/outer';
import { headCrossEntropy } from '../../nn/vocabulary';
import type { StepSpec } from '../step';

/**
 * Cross entropy of the answer with its gradient. y [B·(P+A−1), H] are the outputs of the last block; targets i32 and
 * weights [B, A]; with `watched`, dAnchor [B, H] is the cotangent of the anchor's state after the final norm.
 * Gives the weighted term [1] and dy.
 */
export function answerHead(spec: StepSpec, watched: boolean): Program {
  const { batch: B, prompt: P, answer: A } = spec.layout;
  const H = spec.config.hiddenSize;
  const positions = P + A - 1;
  const graph = new Graph();
  const model = outerModel(graph, spec.config);
  const y = graph.input('y', [B * positions, H]);
  const hidden = o.rmsNorm(y, model.outer.finalNorm, spec.config.rmsNormEps);
  const rows = o.reshape(hidden, [B, positions, H]);
  const scored = o.reshape(o.slice(rows, 1, P - 1, positions), [B * A, H]);
  const loss = headCrossEntropy(
    model,
    scored,
    graph.input('targets', [B, A], 'i32'),
    graph.input('weights', [B, A]),
  );
  const term = o.reshape(o.mul(loss, spec.answerWeight), [1]);
  const ends: [Tensor, Tensor][] = [[term, one(graph)]];
  if (watched) ends.push([o.reshape(o.slice(rows, 1, P - 1, P), [B, H]), graph.input('dAnchor', [B, H])]);
  const [dy] = vjp(
    ends.map(([end]) => end),
    ends.map(([, cotangent]) => cotangent),
    [y],
  );
  return { name: 'answer head', outputs: { term, dy: dy as Tensor } };
}

/**
 * Cross entropy of the explicit pass: y [B·(R−1), H] are the outputs of the last block, `first` [B, H] the question's
 * final hidden state, which predicts the first token. Gives the weighted term [1], dy and dFirst.
 */
export function explicitHead(spec: StepSpec): Program {
  const { batch: B, explicit: R } = spec.layout;
  const H = spec.config.hiddenSize;
  const graph = new Graph();
  const model = outerModel(graph, spec.config);
  const y = graph.input('y', [B * (R - 1), H]);
  const first = graph.input('first', [B, H]);
  const hidden = o.rmsNorm(y, model.outer.finalNorm, spec.config.rmsNormEps);
  const rows = o.concat([o.reshape(first, [B, 1, H]), o.reshape(hidden, [B, R - 1, H])], 1);
  const targets = graph.input('targets', [B, R], 'i32');
  const loss = headCrossEntropy(model, o.reshape(rows, [B * R, H]), targets, graph.input('weights', [B, R]));
  const term = o.reshape(o.mul(loss, spec.explicitWeight), [1]);
  const [dy, dFirst] = vjp([term], [one(graph)], [y, first]);
  return { name: 'explicit head', outputs: { term, dy: dy as Tensor, dFirst: dFirst as Tensor } };
}

const one = (graph: Graph): Tensor => graph.constant(new Float32Array([1]), [1]);

/** Vectors of terms laid end to end: inputs `0`, `1`, … → terms. */
export function termsProgram(lengths: readonly number[]): Program {
  const graph = new Graph();
  const parts = lengths.map((length, i) => graph.input(String(i), [length]));
  return { name: 'terms', outputs: { terms: o.concat(parts, 0) } };
}
