import { ConfigError } from '../base/errors';
import { gradients } from '../graph/gradient';
import { Graph, liveNodes, type Program, type Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import { namedWeights, type Weights } from '../nn/weights';
import type { Executable } from '../runtime/executable';
import { compileFrozen } from '../runtime/frozen';
import type { Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import { BoundFeeds } from './feeds';
import { type StudentPaths, tracePaths } from './paths';
import { type StepOutput, type StepSpec, type TrainStep, termNames } from './step';

/** The whole step, forward and backward, as one program. Fastest for models of a few blocks. */
export function traceWholeStep(spec: StepSpec): Program {
  const graph = new Graph();
  const paths = tracePaths(graph, spec);
  const terms = graph.scope('losses', () => traceTerms(spec, paths));
  const loss = terms.reduce((sum, term) => o.add(sum, term));
  const leaves = paths.model.lora.map((lora) => lora.leaves);
  const flat = gradients(loss, leaves.flat());
  const outputs: Record<string, Tensor> = {
    terms: o.concat(
      terms.map((term) => o.reshape(term, [1])),
      0,
    ),
  };
  let at = 0;
  paths.model.lora.forEach((lora, i) => {
    outputs[`gradient.${i}`] = lora.pack(flat.slice(at, at + lora.leaves.length));
    at += lora.leaves.length;
  });
  return { name: 'training step', outputs };
}

function traceTerms(spec: StepSpec, paths: StudentPaths): Tensor[] {
  const terms: Tensor[] = [];
  for (const loss of spec.stateLosses) {
    const states = loss.reads === 'latents' ? paths.latents : paths.anchor;
    if (!states)
      throw new ConfigError(
        `the loss ${loss.terms.join(', ')} reads latent states, but there are 0 latent steps`,
      );
    terms.push(...loss.trace(states));
  }
  terms.push(o.mul(paths.answerLoss, spec.answerWeight));
  if (paths.explicitLoss) terms.push(o.mul(paths.explicitLoss, spec.explicitWeight));
  return terms;
}

/** Compiles the whole step. */
export async function compileWholeStep(
  runtime: Runtime,
  spec: StepSpec,
  weights: Weights,
): Promise<TrainStep> {
  const program = traceWholeStep(spec);
  const frozen = await compileFrozen(runtime, [program], namedWeights(weights));
  const [executable] = frozen.executables as [Executable];
  const outputs: Record<string, DeviceTensor> = {};
  for (const [name, { dtype, shape }] of executable.outputs)
    outputs[name] = runtime.empty(dtype, shape, name);
  const inputs = new BoundFeeds(runtime, (name) => executable.inputs.has(name));
  const blocks = spec.config.layers;

  return {
    terms: termNames(spec),
    programs: 1,
    nodes: liveNodes(Object.values(program.outputs)).length,
    async run(feeds, parameters): Promise<StepOutput> {
      inputs.write(feeds);
      const packs = Object.fromEntries(parameters.map((pack, i) => [`lora.${i}`, pack]));
      await executable.run({ ...frozen.tensors, ...inputs.tensors, ...packs }, outputs);
      return {
        terms: outputs.terms as DeviceTensor,
        gradients: Array.from({ length: blocks }, (_, i) => outputs[`gradient.${i}`] as DeviceTensor),
      };
    },
    dispose() {
      for (const tensor of Object.values(outputs)) tensor.dispose();
      inputs.dispose();
      frozen.dispose();
    },
  };
}
