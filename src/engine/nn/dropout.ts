import type { HostTensor } from '../base/dtype';
import { ConfigError } from '../base/errors';
import { bernoulli, type StreamKey, siteId } from '../base/philox';
import { type Shape, sizeOf } from '../base/shape';
import type { Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { AdapterSpec, Attachments } from './attachments';
import { type DecoderConfig, type GroupName, groupsOf, linearSizes } from './config';
import type { LoraGroup, LoraTensors } from './lora';

/**
 * LoRA dropout (Hu et al., LoRA, arXiv:2106.09685; `lora_dropout` of PEFT): an adapter sees its input with each feature set
 * to zero with probability p and divided by 1 − p otherwise; the frozen weight sees it whole. Linears that read the same
 * input (q, k and v; gate and up) share its mask, where PEFT draws one for each.
 */
export interface DropoutKey extends Omit<StreamKey, 'site'> {
  readonly site: string;
}

/** A mask of 0 and 1/(1 − p), the same bits whenever it is drawn with the same key. */
export function dropoutMask({ site, ...key }: DropoutKey, p: number, shape: Shape): HostTensor {
  const kept = 1 / (1 - p);
  const data = bernoulli({ ...key, site: siteId(site) }, 1 - p, sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = (data[i] as number) * kept;
  return { dtype: 'f32', shape, data };
}

/** The groups of linears whose input an adapter drops, with its width; none if p is 0. @throws ConfigError unless 0 ≤ p < 1 */
export function droppedGroups(
  config: DecoderConfig,
  spec: AdapterSpec,
): { readonly group: GroupName; readonly width: number; readonly p: number }[] {
  const p = spec.kind === 'lora' ? (spec.dropout ?? 0) : 0;
  if (!(p >= 0 && p < 1))
    throw new ConfigError(`LoRA dropout ${p}; a number from 0 to below 1 is expected`, 'Choose 0 for none.');
  if (spec.kind !== 'lora' || p === 0) return [];
  const sizes = linearSizes(config);
  return groupsOf(config).flatMap(([group, linears]) => {
    const [first] = linears.filter((name) => spec.targets.includes(name));
    return first ? [{ group, width: sizes[first].in, p }] : [];
  });
}

/** An adapter with its inputs masked. @param mask the mask [B, P, width] of a group's input */
export function withDropout(
  config: DecoderConfig,
  spec: AdapterSpec,
  { lora, sites }: Attachments,
  mask: (group: GroupName, width: number) => Tensor,
): Attachments {
  const masks = droppedGroups(config, spec).map(({ group, width }) => [group, mask(group, width)] as const);
  const maskedGroups = (groups: LoraTensors['groups']): LoraTensors['groups'] => {
    const all = { ...groups };
    for (const [name, own] of masks) all[name] = { ...(groups[name] as LoraGroup), mask: own };
    return all;
  };
  return { lora: lora.map((own) => ({ ...own, groups: maskedGroups(own.groups) })), sites };
}

/** Rows x [B·Q, width] of the last Q positions times their mask [B, P, width]. */
export function masked(x: Tensor, mask: Tensor): Tensor {
  const [B, P] = mask.shape as readonly [number, number];
  const Q = (x.shape[0] as number) / B;
  return o.mul(x, o.reshape(o.slice(mask, 1, P - Q, P), x.shape));
}
