import type { Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { DecoderConfig } from './config';

/**
 * The configuration's norm over the last axis. LayerNorm is RMSNorm of what is left when the mean is taken off, plus a
 * bias: the mean square of x − mean(x) is the variance of x.
 * @param x […, H]  @param weight, bias [H]; the bias of LayerNorm alone
 */
export function norm(config: DecoderConfig, x: Tensor, weight: Tensor, bias: Tensor | undefined): Tensor {
  if (config.norm !== 'layer') return o.rmsNorm(x, weight, config.normEps);
  const centred = o.sub(x, o.reduceMean(x, [-1], true));
  return o.add(o.rmsNorm(centred, weight, config.normEps), bias as Tensor);
}
