import type { Sampler } from '../../decode/sample';
import { sampleFrom } from '../../decode/sample-host';
import type { NoiseKey } from '../../decode/sample-next';
import type { OnnxRunner, OnnxState } from './onnx-runner';

/** An ONNX export as a sampler, one token at a time: the host gets all logits, and draws tokens from them. */
export const onnxSampler = (runner: OnnxRunner): Sampler<OnnxState> => ({
  draw: async ({ logits }, sampling, keys) =>
    logits.map((row, b) => sampleFrom(row, sampling, keys[b] as NoiseKey)),
  advance: (state, tokens) => runner.advance(state, tokens),
});
