import { GradientError } from '../base/errors';
import { sameShape, showShape, sizeOf } from '../base/shape';
import { GRADIENT_RULES } from './gradient-rules';
import type { Tensor } from './graph';
import * as o from './ops';

/**
 * Reverse mode, graph to graph: adds nodes that compute the vector–Jacobian product Σᵢ cotangentᵢ · ∂outputᵢ/∂wrt, one tensor
 * per member of `wrt` (zeros where none depends). Only nodes between `wrt` and the outputs are differentiated: frozen weights
 * cost nothing.
 * @throws GradientError if an operation on the way has no rule, or declares that it has no gradient
 */
export function vjp(
  outputs: readonly Tensor[],
  cotangents: readonly (Tensor | undefined)[],
  wrt: readonly Tensor[],
): Tensor[] {
  const path = between(wrt, outputs);
  const sums = new Map<Tensor, Tensor>();
  const accumulate = (node: Tensor, part: Tensor): void => {
    if (!sameShape(node.shape, part.shape))
      throw new GradientError(
        `the rule of an operation gave ${showShape(part.shape)} for the gradient of ${node.op} ${showShape(node.shape)}`,
      );
    const sum = sums.get(node);
    sums.set(node, sum ? o.add(sum, part) : part);
  };
  outputs.forEach((output, i) => {
    const cotangent = cotangents[i];
    if (cotangent && path.has(output)) accumulate(output, cotangent);
  });

  const stops = new Set(wrt);
  for (const node of [...path].sort((a, b) => b.id - a.id)) {
    const dy = sums.get(node);
    if (!dy || node.inputs.length === 0) continue;
    // A tensor in `wrt` that is computed from another one in `wrt` passes its gradient on.
    if (stops.has(node) && !node.inputs.some((x) => path.has(x))) continue;
    const rule = GRADIENT_RULES[node.op];
    if (rule === undefined)
      throw new GradientError(`no gradient rule for operation "${node.op}" (at ${node.label})`);
    if (rule === null) continue;
    node.graph.scope(`gradient of ${node.label || node.op}`, () => {
      const parts = rule(node, dy, (i) => path.has(node.inputs[i] as Tensor));
      node.inputs.forEach((x, i) => {
        if (!path.has(x)) return;
        const part = parts[i];
        if (part === undefined)
          throw new GradientError(
            `operation "${node.op}" has no gradient for its operand ${i} (at ${node.label})`,
          );
        if (part !== null) accumulate(x, part);
      });
    });
  }
  return wrt.map((x) => sums.get(x) ?? x.graph.constant(new Float32Array(sizeOf(x.shape)), x.shape));
}

/** Nodes that depend on `sources` and that `outputs` depend on. */
function between(sources: readonly Tensor[], outputs: readonly Tensor[]): Set<Tensor> {
  const first = outputs[0] ?? sources[0];
  if (!first) return new Set();
  const depends = new Set<Tensor>(sources);
  const last = Math.max(...outputs.map((x) => x.id));
  for (const node of first.graph.nodes) {
    if (node.id > last) break;
    // Nothing flows back through stopGradient or any other operation declared to have no gradient.
    if (GRADIENT_RULES[node.op] !== null && node.inputs.some((x) => depends.has(x))) depends.add(node);
  }
  const path = new Set<Tensor>();
  const stack = outputs.filter((x) => depends.has(x));
  while (stack.length > 0) {
    const node = stack.pop() as Tensor;
    if (path.has(node)) continue;
    path.add(node);
    for (const x of node.inputs) if (depends.has(x)) stack.push(x);
  }
  return path;
}
