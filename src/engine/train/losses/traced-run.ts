import { vjp } from '../../graph/gradient';
import { Graph, type Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import type { Runtime } from '../../runtime/runtime';
import { BoundFeeds } from '../feeds';
import type { LossRun, StateLoss } from './state-loss';

/** A state loss as a program of its own, from its definition in the graph: states → terms and cotangent. */
export async function tracedRun(
  runtime: Runtime,
  loss: StateLoss,
  shape: readonly number[],
): Promise<LossRun> {
  const graph = new Graph();
  const states = graph.input('states', shape);
  const terms = o.concat(
    loss.trace(states).map((term) => o.reshape(term, [1])),
    0,
  );
  const ones = graph.constant(new Float32Array(terms.shape[0] as number).fill(1), terms.shape);
  const [cotangent] = vjp([terms], [ones], [states]);
  const program = {
    name: `loss ${loss.terms.join(', ')}`,
    outputs: { terms, cotangent: cotangent as Tensor },
  };
  const executable = await runtime.compile(program);
  const inputs = new BoundFeeds(runtime, (name) => executable.inputs.has(name));
  const outputs = {
    terms: runtime.empty('f32', terms.shape, `${program.name}: terms`),
    cotangent: runtime.empty('f32', shape, `${program.name}: cotangent`),
  };
  return {
    ...outputs,
    executables: [executable],
    async run(values, feeds) {
      inputs.write(feeds);
      await executable.run({ ...inputs.tensors, states: values }, outputs);
    },
    dispose() {
      inputs.dispose();
      outputs.terms.dispose();
      outputs.cotangent.dispose();
      executable.dispose();
    },
  };
}
