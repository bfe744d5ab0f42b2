/** Recipes that exist only as tests, to prove that the tape can express other methods; see scripts/goldens/lori/proofs.py. */
import type { Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { AdapterSpec } from '../nn/attachments';
import type { DecoderConfig } from '../nn/config';
import type { LoraSpec } from '../nn/lora';
import { type ModuleSpec, moduleParameters } from '../nn/modules/modules';
import { ParameterSet } from '../nn/parameter-set';
import type { Segment } from './tape/entries';
import { Tape } from './tape/tape';

const LORA: LoraSpec = { rank: 2, alpha: 3, targets: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] };
const lora: AdapterSpec = { kind: 'lora', ...LORA };

export interface ProofLayout {
  /** B */
  readonly batch: number;
  /** S, question columns */
  readonly question: number;
  /** Tokens of rationale, prompt, answer and end of sequence */
  readonly explicit: number;
  /** P */
  readonly prompt: number;
  /** A, answer tokens with the end of sequence */
  readonly answer: number;
  /** K latent steps, or C silent tokens */
  readonly thoughts: number;
}

const ANSWER = { targets: 'answer.targets', weights: 'answer.weights' };
const EXPLICIT = { targets: 'explicit.targets', weights: 'explicit.weights' };

const question = (tape: Tape, S: number, adapters: string[]): Segment =>
  tape.segment(tape.tokens('question.ids', S), { adapters, mask: 'question.keyMask' });

/** Linear, exact GELU, Linear, LayerNorm: parameters `projection.…`. */
export const projectionOf = (width: number): ModuleSpec => ({
  ...{ kind: 'projection', name: 'projection', width, norm: true },
});

/** Smooth L1 of [B, L, H] to a target, each layer divided by the unbiased std of the target's values; mean over layers. */
function smoothL1(states: Tensor, target: Tensor): Tensor {
  const [B, L, H] = target.shape as readonly [number, number, number];
  const distance = o.abs(o.sub(states, target));
  const small = o.greater(states.graph.scalar(1), distance);
  const loss = o.where(small, o.mul(o.square(distance), 0.5), o.sub(distance, 0.5));
  const centred = o.sub(target, o.reduceMean(target, [0, 2], true));
  const std = o.sqrt(o.mul(o.reduceSum(o.square(centred), [0, 2], true), 1 / (B * H - 1)));
  return o.mul(o.reduceSum(o.div(loss, std)), 1 / (B * L * H));
}

/** CODI: a teacher's and a student's path, each with its own adapter, in one step. */
export function recordCodi(
  config: DecoderConfig,
  { batch, question: S, explicit: R, prompt: P, answer: A, thoughts: K }: ProofLayout,
  weights: { readonly teacher: number; readonly answer: number; readonly codi: number },
  width = 10,
): Tape {
  const module = projectionOf(width);
  const modules = moduleParameters(config, module);
  const tape = new Tape(new ParameterSet(config, { teacher: lora, student: lora }, modules), batch);

  const asked = question(tape, S, ['teacher']);
  const text = tape.segment(tape.tokens('explicit.ids', R - 1), { after: asked, adapters: ['teacher'] });
  tape.crossEntropy('teacher', weights.teacher, tape.rows(asked.last, text.finals()), EXPLICIT);

  let before = question(tape, S, ['student']);
  for (let k = 0; k < K; k++) {
    const z = tape.feedback(before.last, { kind: 'module', module });
    before = tape.segment(z, { after: before, adapters: ['student'] });
  }
  const answer = tape.segment(tape.tokens('answer.ids', P + A - 1), { after: before, adapters: ['student'] });
  tape.crossEntropy('answer', weights.answer, answer.finals(P - 1), ANSWER);

  const target = tape.detach(tape.statesAt(text, 'explicit.anchors'));
  tape.loss(['codi'], [answer.at(P - 1), target], (_, [states, teacher]) => [
    o.mul(smoothL1(states as Tensor, teacher as Tensor), weights.codi),
  ]);
  return tape;
}

/** DART's modules and silent tokens, with KaVa's loss on keys and values. */
export function recordSilent(
  config: DecoderConfig,
  { batch, question: S, prompt: P, answer: A, thoughts: C }: ProofLayout,
  weights: { readonly answer: number; readonly keyValues: number },
): Tape {
  const rem: AdapterSpec = { kind: 'rem', width: 3, alpha: 4, sites: ['k.in', 'v.in'] };
  const tape = new Tape(new ParameterSet(config, { student: lora, rem }), batch);
  const adapters = ['student', 'rem'];
  const asked = question(tape, S, adapters);
  const silent = tape.segment(tape.tokens('silent.ids', C), { after: asked, adapters });
  // As many columns as the shortest question has: what its padding attends to is undefined.
  const own = silent.keyValues(S + 1, S + C);
  tape.keyValueLoss('keyValues', own, asked.keyValues(S + 1 - C, S), [], ({ own: { k, v }, teacher }) => {
    const distance = (x: Tensor, y: Tensor): Tensor => o.reduceMean(o.square(o.sub(x, y)));
    return o.mul(o.add(distance(k, teacher.k), distance(v, teacher.v)), weights.keyValues);
  });
  const answer = tape.segment(tape.tokens('answer.ids', P + A - 1), { after: silent, adapters });
  tape.crossEntropy('answer', weights.answer, answer.finals(P - 1), ANSWER);
  return tape;
}

/** GRPO's surrogate without clipping, and both divergences from the model without its adapter. */
export function recordPolicy(
  config: DecoderConfig,
  { batch, question: S, prompt: P, answer: A }: ProofLayout,
  weights: { readonly surrogate: number; readonly estimate: number; readonly divergence: number },
): Tape {
  const tape = new Tape(new ParameterSet(config, { student: lora }), batch);
  const completion = (adapters: string[]) =>
    tape.segment(tape.tokens('answer.ids', P + A - 1), { after: question(tape, S, adapters), adapters });
  const states = completion(['student']).finals(P - 1);
  const likelihood = tape.logProbabilities(states, ANSWER.targets);
  tape.loss(['surrogate'], [likelihood], ({ graph }, [l]) => {
    const input = (name: string, columns: number): Tensor => graph.input(name, [batch, columns]);
    const ratio = o.exp(o.sub(o.reshape(l as Tensor, [batch, A]), input('policy.old', A)));
    const gain = o.mul(o.mul(ratio, input('policy.advantages', 1)), input(ANSWER.weights, A));
    return [o.mul(o.reduceSum(gain), -weights.surrogate)];
  });
  const { weights: each } = ANSWER;
  // e^(r − l) − (r − l) − 1, as GRPO estimates KL(π ‖ π_ref) from sampled tokens (DeepSeekMath, arXiv:2402.03300, eq. 4).
  tape.loss(['estimate'], [likelihood], ({ graph }, [l]) => {
    const reference = graph.input('policy.reference', [batch, A]);
    const more = o.sub(reference, o.reshape(l as Tensor, [batch, A]));
    const estimate = o.sub(o.sub(o.exp(more), more), 1);
    return [o.mul(o.reduceSum(o.mul(estimate, graph.input(each, [batch, A]))), weights.estimate)];
  });
  const reference = completion([]).finals(P - 1);
  tape.klDivergence('divergence', weights.divergence, states, reference, { weights: each });
  return tape;
}
