import { gigabytes } from '../text/figures';
import { WASM_BYTES } from './memory';

/**
 * What an ONNX export takes, as far as its files say: its weights are held once at least, whatever its graph computes with them.
 * @param bytes of its files
 */
export interface ExportMemory {
  readonly bytes: number;
  /** Bytes that the provider has; undefined if that is not known. */
  readonly available: number | undefined;
  readonly fits: boolean;
}

export function exportMemory(bytes: number, provider: 'wasm' | 'webgpu'): ExportMemory {
  const available = provider === 'wasm' ? WASM_BYTES : undefined;
  return { bytes, available, fits: available === undefined || bytes < available };
}

/** It in a sentence. */
export const exportSentence = ({ bytes, available, fits }: ExportMemory): string =>
  available === undefined
    ? `Its weights take ${gigabytes(bytes)} on the GPU at least; how much there is, browsers do not say.`
    : fits
      ? `Its weights take ${gigabytes(bytes)} at least of the ${gigabytes(available)} that WASM has, more where matrices are packed for multiplication, and what its graph computes at once comes on top.`
      : `Its weights take ${gigabytes(bytes)}; WASM has ${gigabytes(available)}: it cannot be run.`;

/** What to do about an export that does not fit. */
export const SMALLER_EXPORT =
  'Choose an export in fewer bits (fp16, q4), a smaller model, or WebGPU; or open the safetensors of the same model, whose weights can be kept in 8 or 4 bits.';
