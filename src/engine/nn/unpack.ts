import type { HostTensor } from '../base/dtype';
import type { Shape } from '../base/shape';
import type { DecoderConfig } from './config';
import { packedWeights } from './weight-parts';
import type { WeightSource } from './weight-source';
import { transpose } from './weights';

/** A tensor as a checkpoint has it, read when it is asked for. */
export interface CheckpointTensor {
  readonly name: string;
  readonly shape: Shape;
  read(): HostTensor;
}

/** A model's weights under the names, in the shapes and in the order [out, in] or [in, out] of its family's checkpoints. */
export function checkpointTensors(config: DecoderConfig, source: WeightSource): CheckpointTensor[] {
  return [...packedWeights(config)].flatMap(([packed, { parts }]) => {
    let row = 0;
    return parts.map(({ name, shape, transposed }) => {
      const from = row;
      row += shape[transposed ? 1 : 0] as number;
      const to = row;
      return {
        name,
        shape,
        read: () => {
          const rows = source.read(packed, from, to);
          return transposed ? transpose(rows) : rows;
        },
      };
    });
  });
}
