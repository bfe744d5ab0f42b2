import type { Subject } from './lens';

/** A model or a trained student as files, for PEFT, transformers, onnxruntime, and for opening here again. */
export const MODEL_FORMATS = ['peft', 'merged', 'onnx'] as const;
export type ModelFormat = (typeof MODEL_FORMATS)[number];

export const EXPORT_DTYPES = ['f32', 'f16', 'bf16'] as const;
export type ExportDType = (typeof EXPORT_DTYPES)[number];

/** Positions of an exported ONNX graph: it has one length. */
export const ONNX_LENGTH = { min: 1, max: 4096, default: 64 } as const;

export interface ModelFileRequest {
  readonly subject: Subject;
  /**
   * `peft`: a zip with adapter_config.json and adapter_model.safetensors. `merged`: a zip with the whole model, the student's
   * adapters merged into its weights. `onnx`: one file, ids int64 [1, length] → logits float32 [1, length, V].
   */
  readonly format: ModelFormat;
  /** Of merged weights. */
  readonly dtype?: ExportDType;
  /** Positions of the ONNX graph. */
  readonly length?: number;
}

export interface ModelFile {
  /** `lori-128-samples-peft.zip` */
  readonly name: string;
  readonly blob: Blob;
  /** What is in it, with bytes. */
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
  /** What is to be known of it, a sentence each. */
  readonly notes: readonly string[];
  readonly milliseconds: number;
}

/** Says how a student reasons; lies beside its weights. */
export const STUDENT_FILE = 'lori.json';
/** Its trained tensors that no adapter holds. */
export const MODULES_FILE = 'lori_modules.safetensors';
