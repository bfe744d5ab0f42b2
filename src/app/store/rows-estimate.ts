import type { RowsCost } from '../../contract/data';
import type { DeviceReport, ModelReport } from '../../contract/events';
import { estimateMemory, whatFits } from '../../contract/memory';

/** What it costs to gather the hidden states of drawn rows on a device. */
export interface RowsEstimate {
  /** Peak memory in bytes, including the page. */
  readonly memory: number;
  /** Bytes that earlier requests may have left besides: see `MemoryEstimate.kept`. */
  readonly kept: number;
  /** Null where the device does not say how much memory it has, as on WebGPU. */
  readonly fits: boolean | null;
  /** How many tokens of a row would fit if the longest does not; undefined if none would. */
  readonly fittingTokens: number | undefined;
  /** For the model's passes on one thread; the decomposition comes on top. Undefined if unknown. */
  readonly seconds: number | undefined;
}

/** @returns null if the model's sizes are not enough to tell, as for an ONNX export */
export function rowsEstimate(
  model: ModelReport,
  provider: DeviceReport['provider'],
  { rows, fed, longest, sequences, bytes }: RowsCost,
): RowsEstimate | null {
  if (model.headDim === undefined || rows === 0) return null;
  const purpose = { kind: 'see', sequences, tokens: longest } as const;
  const { total, kept, available, ...estimate } = estimateMemory(model, provider, purpose);
  const fits = available === undefined ? null : estimate.fits;
  const { seconds } = estimateMemory(model, provider, { kind: 'see', sequences: 1, tokens: fed });
  return {
    memory: total + bytes,
    kept,
    fits,
    fittingTokens:
      fits !== false ? undefined : whatFits(model, provider, { ...purpose, sequences: 1 })?.tokens,
    seconds,
  };
}
