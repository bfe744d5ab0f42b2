import type { HostTensor } from '../../base/dtype';
import type { ModelOnDevice } from '../../model/model-on-device';
import type { DeviceTensor } from '../../runtime/tensor';
import type { BoundFeeds } from '../feeds';
import type { Tape } from '../tape/tape';
import type { Programs } from './compiled';
import type { Constants } from './constants';
import type { Plan } from './plan';
import type { TensorPool } from './pool';

/** What one run needs. */
export interface Run {
  readonly tape: Tape;
  readonly plan: Plan;
  readonly model: ModelOnDevice;
  readonly programs: Programs;
  readonly constants: Constants;
  readonly pool: TensorPool;
  readonly feeds: BoundFeeds;
  readonly hosts: Readonly<Record<string, HostTensor>>;
  readonly parameters: readonly DeviceTensor[];
}
