import type { Tensor } from '../../graph/graph';
import type { DecoderConfig } from '../config';
import type { ModuleParameter, ParameterOf } from '../parameters';
import { type ProjectionSpec, projected, projectionParameters } from './projection';
import { filtered, type RecurrentFilterSpec, recurrentFilterParameters } from './recurrent-filter';

/** A trained function of hidden states, as plain data: a file each, with its parameters, fresh values and forward pass. */
export type ModuleSpec = ProjectionSpec | RecurrentFilterSpec;

type Sized = Pick<DecoderConfig, 'hiddenSize'>;

/** Its parameters with their fresh values, in the order in which they are kept. */
export function moduleParameters(config: Sized, spec: ModuleSpec): ModuleParameter[] {
  if (spec.kind === 'projection') return projectionParameters(config, spec);
  return recurrentFilterParameters(config, spec);
}

/** Its value [n, H] at x [n, H], on the tape as in the decoder. */
export function applyModule(config: Sized, spec: ModuleSpec, x: Tensor, parameter: ParameterOf): Tensor {
  if (spec.kind === 'projection') return projected(config, spec, x, parameter);
  return filtered(config, spec, x, parameter);
}
