import type { HostTensor } from '../../base/dtype';
import { RuntimeError } from '../../base/errors';
import type { Shape } from '../../base/shape';
import { HIDDEN } from '../../base/tokens';
import type { AdapterSpec } from '../../nn/attachments';
import { dropoutMask, droppedGroups } from '../../nn/dropout';
import { ropeTablesAt } from '../../nn/rope';
import { type Segment, segmentInput } from './entries';
import type { Tape } from './tape';

/** A batch's inputs by name. */
export type Hosts = Readonly<Record<string, HostTensor>>;

const f32 = (shape: Shape, data: Float32Array<ArrayBuffer>): HostTensor => ({ dtype: 'f32', shape, data });

/** An input of the batch. @throws RuntimeError if it is missing */
export function hostOf(hosts: Hosts, name: string): HostTensor {
  const host = hosts[name];
  if (!host)
    throw new RuntimeError(`the batch has no input "${name}"`, 'Feed every input that the tape reads.');
  return host;
}

/** A segment's dropout masks in one layer, [B, P, width] by `{adapter}.{group}`; none if nothing is dropped. */
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

/** Name of a dropout mask of one layer, for `segmentInput`. */
export const maskInput = (layer: number, site: string): string => `mask.${site} of layer ${layer}`;

/** The dropout masks of a step in the whole tape's program. */
export function tapeMasks(tape: Tape, step: number): Hosts {
  const masks: Record<string, HostTensor> = {};
  for (const segment of tape.segments)
    for (let layer = 0; layer < tape.parameters.config.layers; layer++)
      for (const [site, mask] of Object.entries(dropoutMasks(tape, segment, layer, step)))
        masks[segmentInput(segment, maskInput(layer, site))] = mask;
  return masks;
}

/**
 * A batch's inputs, with those derived from them for each segment.
 * @param widthOf number of keys in a segment's mask, if there are more than it sees; the others are hidden
 */
export function tapeFeeds(
  tape: Tape,
  hosts: Hosts,
  widthOf: (segment: Segment) => number = ({ end }) => end,
): Record<string, HostTensor> {
  const feeds: Record<string, HostTensor> = { ...hosts };
  for (const segment of tape.segments)
    for (const [name, host] of Object.entries(segmentFeeds(tape, segment, widthOf(segment), hosts)))
      feeds[segmentInput(segment, name)] = host;
  return feeds;
}

/**
 * `keyMask` [B, 1, 1, T]; `place` [1, 1, T, 1], a one at the column of a single position; if positions are
 * rotary, their tables `cos` and `sin`, [P, d/2] or, if rows have positions of their own, [B, 1, P, d/2]; if
 * they are learned, `positions` [B, P], which count from each row's first token.
 */
function segmentFeeds({ batch: B, parameters }: Tape, segment: Segment, T: number, hosts: Hosts): Hosts {
  const { config } = parameters;
  const { positions: P, from, rowPositions, lineage } = segment;
  const feeds: Record<string, HostTensor> = { keyMask: keyMask(B, segment, T, hosts) };
  if (P === 1) feeds.place = f32([1, 1, T, 1], new Float32Array(T).fill(1, from, from + 1));
  const columns = segment.all.map((p) => from + p);
  const own = rowPositions === undefined ? undefined : hostOf(hosts, rowPositions).data;
  if (config.positions !== 'learned') {
    const shape = [...(own ? [B, 1] : []), P, config.headDim / 2];
    const { cos, sin } = ropeTablesAt(config, own ?? columns);
    return { ...feeds, cos: f32(shape, cos), sin: f32(shape, sin) };
  }
  const { mask, positions: S } = lineage[0] as Segment;
  const masks = mask === undefined ? new Float32Array(B * S) : hostOf(hosts, mask).data;
  const padding = (b: number): number => {
    const first = masks.subarray(b * S, (b + 1) * S).findIndex((x) => x > HIDDEN / 2);
    return first < 0 ? S : first;
  };
  const counted = Float32Array.from({ length: B * P }, (_, i) => {
    const column = own ? own[i] : columns[i % P];
    return (column as number) - padding(Math.floor(i / P));
  });
  return { ...feeds, positions: f32([B, P], counted) };
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
  return f32([B, 1, 1, width], data);
}
