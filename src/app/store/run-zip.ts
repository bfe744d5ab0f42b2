import type { ModelFile } from '../../contract/model-files';
import { idle, type Task } from './task';

/** The run written as a zip last, or being written. */
export interface RunZipState {
  readonly task: Task<Omit<ModelFile, 'blob'>>;
  /** Id of the run. */
  readonly run: string | null;
}

export const initialRunZip: RunZipState = { task: idle, run: null };
