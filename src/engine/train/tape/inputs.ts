import type { HostTensor } from '../../base/dtype';
import { RuntimeError } from '../../base/errors';
import { HIDDEN } from '../../base/tokens';
import type { AdapterSpec } from '../../nn/attachments';
import { dropoutMask, droppedGroups } from '../../nn/dropout';
import { ropeTablesAt } from '../../nn/rope';
import type { Segment } from './entries';
import type { Tape } from './tape';

/** A batch's inputs by name. */
export type Hosts = Readonly<Record<string, HostTensor>>;

/** Name of a segment's key mask, additive, [B, 1, 1, keys]. */
export const keysInput = ({ index }: Segment): string => `keys of segment ${index}`;

/** Names of the rotary-table inputs that are made from the row positions fed as `name`. */
export const tableInputs = (name: string) => ({ cos: `${name}.cos`, sin: `${name}.sin` });

/** An input of the batch. @throws RuntimeError if it is missing */
export function hostOf(hosts: Hosts, name: string): HostTensor {
  const host = hosts[name];
  if (!host)
    throw new RuntimeError(`the batch has no input "${name}"`, 'Feed every input that the tape reads.');
  return host;
}

/** A segment's dropout masks in one layer, [B, P, width] by `{adapter}.{group}`; none where nothing is dropped. */
export function dropoutMasks(
  { parameters, batch, seed }: Tape,
  segment: Segment,
  layer: number,
  step: number,
): Hosts {
  const { adapters, config } = parameters;
  const masks: Record<string, HostTensor> = {};
  for (const name of segment.adapters)
    for (const { group, width, p } of droppedGroups(config, adapters[name] as AdapterSpec)) {
      const site = `${name}.${group}`;
      const key = { seed, step, layer, site: `dropout ${segment.index} ${site}` };
      masks[site] = dropoutMask(key, p, [batch, segment.positions, width]);
    }
  return masks;
}

/** Name of a dropout mask in the whole tape's program. */
export const maskInput = ({ index }: Segment, layer: number, site: string): string =>
  `mask.${site} of segment ${index}, layer ${layer}`;

/** The dropout masks of a step in the whole tape's program. */
export function tapeMasks(tape: Tape, step: number): Hosts {
  const masks: Record<string, HostTensor> = {};
  for (const segment of tape.segments)
    for (let layer = 0; layer < tape.parameters.config.layers; layer++)
      for (const [site, mask] of Object.entries(dropoutMasks(tape, segment, layer, step)))
        masks[maskInput(segment, layer, site)] = mask;
  return masks;
}

/**
 * A batch's inputs with those that are made from them: each segment's key mask, and, where positions are rotary and rows
 * have positions of their own, their tables [B, 1, P, d/2].
 * @param widthOf number of keys in a segment's mask, if there are more than it sees; the others are hidden
 */
export function tapeFeeds(
  tape: Tape,
  hosts: Hosts,
  widthOf: (segment: Segment) => number = ({ end }) => end,
): Record<string, HostTensor> {
  const { batch: B, parameters } = tape;
  const feeds: Record<string, HostTensor> = { ...hosts };
  for (const segment of tape.segments) {
    feeds[keysInput(segment)] = keyMask(B, segment, widthOf(segment), hosts);
    if (segment.rowPositions === undefined || parameters.config.positions === 'learned') continue;
    const { cos, sin } = ropeTablesAt(parameters.config, hostOf(hosts, segment.rowPositions).data);
    const shape = [B, 1, segment.positions, parameters.config.headDim / 2];
    const names = tableInputs(segment.rowPositions);
    feeds[names.cos] = { dtype: 'f32', shape, data: cos };
    feeds[names.sin] = { dtype: 'f32', shape, data: sin };
  }
  return feeds;
}

/** The masks of a lineage side by side; columns after the segment are hidden. */
function keyMask(B: number, { lineage, end }: Segment, width: number, hosts: Hosts): HostTensor {
  const data = new Float32Array(B * width);
  for (const { mask, from, positions } of lineage) {
    if (mask === undefined) continue;
    const own = hostOf(hosts, mask).data as Float32Array;
    for (let b = 0; b < B; b++) data.set(own.subarray(b * positions, (b + 1) * positions), b * width + from);
  }
  for (let b = 0; b < B; b++) data.fill(HIDDEN, b * width + end, (b + 1) * width);
  return { dtype: 'f32', shape: [B, 1, 1, width], data };
}
