import type { DeviceTensor } from '../../runtime/tensor';
import type { Segment } from '../tape/entries';
import type { Run } from './context';

/** The key mask [B, 1, 1, width] of a segment: the masks of its lineage side by side, zeros where nothing is hidden. */
export function maskFeed({ tape, feeds, hosts }: Run, segment: Segment, width: number): DeviceTensor {
  const { lineage } = segment;
  const name = `mask of ${width} keys: ${lineage.map(({ mask, from }) => (mask ? `${mask} from ${from}` : ''))}`;
  if (!feeds.isWritten(name)) {
    const B = tape.batch;
    const data = new Float32Array(B * width);
    for (const { mask, from, positions } of lineage) {
      const own = mask === undefined ? undefined : (hosts[mask]?.data as Float32Array);
      for (let b = 0; own && b < B; b++)
        data.set(own.subarray(b * positions, (b + 1) * positions), b * width + from);
    }
    feeds.write({ [name]: { dtype: 'f32', shape: [B, 1, 1, width], data } });
  }
  return feeds.tensors[name] as DeviceTensor;
}
