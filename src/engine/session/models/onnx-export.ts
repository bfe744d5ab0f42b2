import type { DecoderGraph } from '../../onnx/read/residuals';
import type { OnnxModel } from '../../onnx/read/model';

/** An ONNX export in its files: read, but not run. */
export interface OnnxExport {
  /** `model_q4.onnx` */
  readonly name: string;
  readonly model: OnnxModel;
  readonly decoder: DecoderGraph;
  readonly file: Blob;
  /** The other files that its weights lie in, by name. */
  readonly others: ReadonlyMap<string, Blob>;
  readonly sizes: OnnxSizes;
}

export interface OnnxSizes {
  /** H, V, and of the cache: heads of keys and values, and their size d. */
  readonly hiddenSize: number;
  readonly vocabSize: number;
  readonly kvHeads: number;
  readonly headDim: number;
}
