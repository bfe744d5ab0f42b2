import type { Subject } from '../../contract/lens';
import type { ModelFile } from '../../contract/model-files';
import { idle, type Task } from './task';

export {
  EXPORT_DTYPES,
  type ExportDType,
  type ModelFileRequest,
  type ModelFormat,
  ONNX_LENGTH,
} from '../../contract/model-files';

/** The model file written last or being written, and which model it is of. */
export interface ModelFileState {
  readonly task: Task<Omit<ModelFile, 'blob'>>;
  readonly subject: Subject['kind'] | null;
}

export const initialModelFile: ModelFileState = { task: idle, subject: null };
