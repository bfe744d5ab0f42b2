import type { HostTensor } from '../base/dtype';
import { interpret } from '../graph/interpret.testing';
import { namedWeights, type Weights } from '../nn/weights';
import { tapeFeeds } from './tape/inputs';
import type { Tape } from './tape/tape';
import { traceTape } from './tape/whole';

/**
 * A step in the float64 interpreter: its terms, then every parameter's gradient.
 * @param values of the parameters, in their order
 */
export function interpretedStep(
  tape: Tape,
  weights: Weights,
  feeds: Readonly<Record<string, HostTensor>>,
  values: readonly ArrayLike<number>[],
): readonly [terms: Float64Array, ...gradients: Float64Array[]] {
  const bound: Record<string, ArrayLike<number>> = {};
  const hosts = { ...namedWeights(weights), ...tapeFeeds(tape, feeds) };
  for (const [name, { data }] of Object.entries(hosts)) bound[name] = data;
  tape.parameters.all.forEach(({ name }, i) => {
    bound[name] = values[i] as ArrayLike<number>;
  });
  const outputs = interpret(Object.values(traceTape(tape, 'step').outputs), bound);
  return outputs as [Float64Array, ...Float64Array[]];
}
