import type { DeviceReport } from '../../contract/events';
import type { DeviceCheckReport } from '../../contract/lens';
import { idle, type Task } from './task';

/** The kernel check, and the device that its result describes. */
export interface CheckState {
  readonly task: Task<DeviceCheckReport>;
  readonly of: DeviceReport | null;
}

export const initialCheck: CheckState = { task: idle, of: null };
