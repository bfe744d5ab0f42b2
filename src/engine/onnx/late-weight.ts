import type { HostTensor } from '../base/dtype';
import type { Shape } from '../base/shape';

/** A weight whose values are read when the model is written or loaded, not before. */
export interface LateWeight {
  /** As it is stored. */
  readonly dtype: HostTensor['dtype'];
  readonly shape: Shape;
  /** How the model keeps it; a matrix [out, in] may be kept in 8 bits, by blocks of its rows. Default: as f32. */
  readonly storage?: 'int8' | undefined;
  read(): HostTensor;
}
