import { GradientError } from '../base/errors';
import { showShape, sizeOf } from '../base/shape';
import { vjp } from './gradient';
import { liveNodes, type Program, type Tensor } from './graph';

/** Adds nodes that compute the gradient of a scalar with respect to each tensor of `wrt`, see `vjp`. */
export function gradients(output: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (sizeOf(output.shape) !== 1)
    throw new GradientError(
      `gradient asked of a tensor ${showShape(output.shape)}; reduce it to a scalar, or use vjp`,
    );
  const one = output.graph.constant(new Float32Array([1]), output.shape);
  return vjp([output], [one], wrt);
}

/** The inputs that a program actually reads, in order of declaration. */
export function programInputs(program: Program): Tensor[] {
  return liveNodes(Object.values(program.outputs)).filter((node) => node.op === 'input');
}
