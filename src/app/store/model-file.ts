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

/** The file of a model that was written last, or is being written, and whose it is. */
export interface ModelFileState {
  readonly task: Task<Omit<ModelFile, 'blob'>>;
  readonly subject: Subject['kind'] | null;
}

export const initialModelFile: ModelFileState = { task: idle, subject: null };
