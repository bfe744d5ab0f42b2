import type { DeviceReport } from '../../contract/events';
import type { DeviceCheckReport } from '../../contract/lens';
import { idle, type Task } from './task';

/** The check of the kernels, and the device that its value is of. */
export interface CheckState {
  readonly task: Task<DeviceCheckReport>;
  readonly of: DeviceReport | null;
}

export const initialCheck: CheckState = { task: idle, of: null };
