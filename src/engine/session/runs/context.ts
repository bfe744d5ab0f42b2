import type { CallOptions } from '../../../contract/calls';
import type { Accuracy } from '../../../contract/events';
import type { Methods } from '../../../contract/methods/method';
import type { Device } from '../../device/device';
import type { Recipe } from '../../recipes/shared/recipe';
import type { Runtime } from '../../runtime/runtime';
import type { DeviceModels } from '../models/device-models';
import type { Roles } from '../models/roles';
import type { StudentCheckpoint } from '../models/subjects';
import type { QueuedCalls } from './control';
import type { RunData, RunDataOptions } from './run-data';
import type { RunPace } from './run-pace';
import type { Student } from './student';

/** Everything a run reads; it changes none of it. */
export interface RunContext {
  readonly runtime: Runtime;
  /** The loaded models on the runtime. */
  readonly models: DeviceModels;
  /** The runtime's device, on WebGPU. */
  readonly device: Device | undefined;
  /** Who learns from whom. */
  readonly roles: Roles;
  /** Bytes of the teacher's hidden states that may be held; default `HELD_STATES_BYTES`. */
  readonly heldStatesBytes?: number | undefined;
  /** The data to train on. */
  data(options: RunDataOptions): Promise<RunData>;
  /** Accuracy of the teacher's explicit chain of thought on the held-out problems. */
  teacherAccuracy(data: RunData, options: CallOptions): Promise<Accuracy>;
  /** The recipe of a method. */
  readonly recipes: Readonly<Record<string, Recipe>>;
  readonly methods: Methods;
  /** Id of the student that the run trains. */
  readonly studentId: string;
  /** How long runs on this device have taken. */
  readonly pace?: RunPace;
  /** Other calls, served whenever the run can be interrupted. */
  readonly queuedCalls?: QueuedCalls;
}

/** Receives what a run produces: checkpoints on the way, and the student at the end. */
export interface RunSink {
  /** @returns the checkpoint's id */
  checkpoint(checkpoint: StudentCheckpoint): number;
  student(student: Student): void;
}
