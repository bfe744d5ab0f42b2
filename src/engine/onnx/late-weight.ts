import type { HostTensor } from '../base/dtype';
import type { KeptAs } from '../base/kept';
import type { Shape } from '../base/shape';

/** A weight whose values are read when the model is written or loaded, not before. */
export interface LateWeight {
  /** As it is stored. */
  readonly dtype: HostTensor['dtype'];
  readonly shape: Shape;
  /** How the model keeps it; a matrix [out, in] may be kept in fewer bits, in blocks of its rows. Default: as f32. */
  readonly storage?: KeptAs | undefined;
  read(): HostTensor;
}
