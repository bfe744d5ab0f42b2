import type { RowsCost } from '../../contract/data';
import type { DeviceReport, ModelReport } from '../../contract/events';
import { estimateMemory, whatFits } from '../../contract/memory';

/** What gathering the hidden states of drawn rows takes on a device. */
export interface RowsEstimate {
  /** Bytes at the peak, the page included. */
  readonly memory: number;
  /** Bytes that earlier requests may have left besides: see `MemoryEstimate.kept`. */
  readonly kept: number;
  readonly fits: boolean;
  /** Tokens of a row that would fit, where the longest does not; undefined where none would. */
  readonly fittingTokens: number | undefined;
  /** Of the model's passes, on one thread; the decomposition comes on top. Undefined where it is not known. */
  readonly seconds: number | undefined;
}

/** @returns null where the model's sizes do not tell, as those of an ONNX export */
export function rowsEstimate(
  model: ModelReport,
  provider: DeviceReport['provider'],
  { rows, fed, longest, sequences, bytes }: RowsCost,
): RowsEstimate | null {
  if (model.headDim === undefined || rows === 0) return null;
  const purpose = { kind: 'see', sequences, tokens: longest } as const;
  const { total, kept, fits } = estimateMemory(model, provider, purpose);
  const { seconds } = estimateMemory(model, provider, { kind: 'see', sequences: 1, tokens: fed });
  return {
    memory: total + bytes,
    kept,
    fits,
    fittingTokens: fits ? undefined : whatFits(model, provider, { ...purpose, sequences: 1 })?.tokens,
    seconds,
  };
}
