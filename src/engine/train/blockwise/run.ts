import type { HostTensor } from '../../base/dtype';
import type { DeviceTensor } from '../../runtime/tensor';
import { TOKEN_INPUTS } from '../paths';
import type { StepSpec } from '../step';
import type { TensorPool } from './pool';
import type { Pair, StepPrograms } from './programs';
import type { StateLosses } from './states';
import { call, type SegmentRun, type Sweep } from './sweep';
import type { StepTensors, Tensors } from './tensors';

/** What one run of a step works with. */
export interface Step {
  readonly spec: StepSpec;
  readonly programs: StepPrograms;
  readonly tensors: StepTensors;
  readonly pool: TensorPool;
  readonly sweep: Sweep;
  readonly inputs: Tensors;
  readonly feeds: Readonly<Record<string, HostTensor>>;
  readonly onLatents: StateLosses | undefined;
  readonly onAnchor: StateLosses | undefined;
}

/**
 * Forward and reverse: question → explicit pass, there and back → latents → answer → losses on states → answer,
 * latents K…1, question in reverse. The explicit pass comes first so that what it keeps is free again for the latents.
 * @returns the terms of cross entropy, [1] each, in order
 */
export async function runSweeps(step: Step): Promise<DeviceTensor[]> {
  const { spec, programs, tensors, pool, sweep, inputs, feeds, onLatents, onAnchor } = step;
  const { latentSteps: K } = spec;
  const { outer, columns, zeros } = tensors;
  const latent = programs.latent as Pair;
  const feedback = programs.feedback as Pair;
  const norm = async (x: DeviceTensor): Promise<DeviceTensor> =>
    (await call(pool, programs.norm.forward, outer, { x })).hidden as DeviceTensor;

  const embedded = await call(pool, programs.embed, outer, inputs);
  const question = await sweep.forward(programs.question, embedded[TOKEN_INPUTS.questionIds] as DeviceTensor);
  // Block outputs, before the final norm, that latents 1…K come from, and last that of step K.
  const ends: DeviceTensor[] = [(await call(pool, programs.pick, { x: question.y })).row as DeviceTensor];
  pool.give(question.y);
  const first = K > 0 ? await call(pool, feedback.forward, outer, { x: ends[0] }) : undefined;
  const questionHidden = first?.hidden ?? (spec.explicit ? await norm(ends[0] as DeviceTensor) : undefined);

  let explicitTerm: DeviceTensor | undefined;
  let dQuestionHidden: DeviceTensor = zeros.row;
  if (programs.explicit && programs.explicitHead) {
    const run = await sweep.forward(programs.explicit, embedded[TOKEN_INPUTS.explicitIds] as DeviceTensor);
    const { explicitTargets, explicitWeights } = TOKEN_INPUTS;
    const head = await call(pool, programs.explicitHead, outer, {
      y: run.y,
      first: questionHidden,
      targets: inputs[explicitTargets],
      weights: inputs[explicitWeights],
    });
    explicitTerm = head.term;
    dQuestionHidden = head.dFirst as DeviceTensor;
    pool.give(run.y, await sweep.reverse(programs.explicit, run.xs, head.dy as DeviceTensor));
  }
  pool.give(questionHidden);

  let z = first?.z;
  const latents: SegmentRun[] = [];
  const finals: DeviceTensor[] = [];
  for (let t = 0; t < K; t++) {
    const run = await sweep.forward(latent, z as DeviceTensor, columns[t]);
    latents.push(run);
    ends.push(run.y);
    if (t < K - 1) {
      const next = await call(pool, feedback.forward, outer, { x: run.y });
      z = next.z;
      finals.push(next.hidden as DeviceTensor);
    } else if (onLatents) finals.push(await norm(run.y));
  }

  const answer = await sweep.forward(programs.answer, embedded[TOKEN_INPUTS.answerIds] as DeviceTensor);
  if (onAnchor) {
    const states = [...answer.watched.slice(0, -1), await norm(answer.watched.at(-1) as DeviceTensor)];
    await onAnchor.run(states, feeds);
    pool.give(...states, ...answer.watched);
  }
  // A block's output is the next one's input; the last one's state is taken after the final norm.
  if (onLatents)
    await onLatents.run(
      latents.flatMap((run, t) => [...run.xs.slice(1), finals[t] as DeviceTensor]),
      feeds,
    );
  pool.give(...finals);

  const L = spec.config.layers;
  const { answerTargets, answerWeights } = TOKEN_INPUTS;
  const answerHead = await call(pool, programs.answerHead, outer, {
    y: answer.y,
    dAnchor: onAnchor?.cotangents[L - 1],
    targets: inputs[answerTargets],
    weights: inputs[answerWeights],
  });
  pool.give(answer.y);
  const dAnchor = onAnchor?.cotangents.slice(0, L - 1);
  pool.give(await sweep.reverse(programs.answer, answer.xs, answerHead.dy as DeviceTensor, dAnchor));

  let dZ: DeviceTensor | undefined;
  for (let t = K - 1; t >= 0; t--) {
    const states = onLatents?.cotangents.slice(t * L, (t + 1) * L);
    const dHidden = states?.[L - 1] ?? zeros.row;
    const end = ends[t + 1];
    let dy = zeros.row;
    if (dZ) dy = (await call(pool, feedback.reverse, outer, { x: end, dHidden, dZ })).dx as DeviceTensor;
    else if (states)
      dy = (await call(pool, programs.norm.reverse, outer, { x: end, dHidden })).dx as DeviceTensor;
    pool.give(end, dZ);
    dZ = await sweep.reverse(latent, (latents[t] as SegmentRun).xs, dy, states?.slice(0, L - 1), columns[t]);
  }

  const last = { x: ends[0], dHidden: dQuestionHidden };
  let dy = zeros.question;
  if (dZ || spec.explicit) {
    const { dx } = dZ
      ? await call(pool, feedback.reverse, outer, last, { dZ })
      : await call(pool, programs.norm.reverse, outer, last);
    dy = (await call(pool, programs.place, { row: dx })).x as DeviceTensor;
    pool.give(dx);
  }
  pool.give(ends[0], dZ, dQuestionHidden);
  pool.give(await sweep.reverse(programs.question, question.xs, dy));
  return [answerHead.term as DeviceTensor, ...(explicitTerm ? [explicitTerm] : [])];
}
