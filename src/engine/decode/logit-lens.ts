import { Graph, type Program } from '../graph/graph';
import * as o from '../graph/ops';
import { mostProbableTokens } from '../nn/next-token';
import { finalNorm, outerModel } from '../nn/stack';
import type { Decoder } from './decoder';
import type { DecodeShape } from './programs';
import { keptHidden, readTop, type TopTokens } from './readout';
import type { DecoderState } from './state';

/**
 * The logit lens (nostalgebraist 2020): `hidden` [B, L, H] and `scale` [1, 1] → `ids`, `logProbabilities`
 * [B·L, k] and `entropy` [B·L] of softmax(scale·head(norm(h))) at every layer. The last layer's states are
 * already normed, so its row is the head's own output.
 */
export function logitLensProgram({ batch: B, config, parameters }: DecodeShape, k: number): Program {
  const { layers: L, hiddenSize: H } = config;
  const graph = new Graph();
  const model = outerModel(graph, config, parameters);
  const hidden = graph.input('hidden', [B, L, H]);
  const last = o.slice(hidden, 1, L - 1, L);
  const normed =
    L === 1
      ? last
      : o.concat(
          [
            o.reshape(finalNorm(model, o.reshape(o.slice(hidden, 1, 0, L - 1), [B * (L - 1), H])), [
              B,
              L - 1,
              H,
            ]),
            last,
          ],
          1,
        );
  const rows = o.reshape(normed, [B * L, H]);
  return {
    name: 'logit lens',
    outputs: { ...mostProbableTokens(model, rows, graph.input('scale', [1, 1]), k) },
  };
}

/**
 * The k most probable tokens after the last position according to each layer 1…L, [B][L].
 * @throws InputError if the step did not keep hidden states, NumericError if a logit is NaN or infinite
 */
export async function logitLens(decoder: Decoder, state: DecoderState, k: number): Promise<TopTokens[][]> {
  const { batch: B, config } = decoder.shape;
  const L = config.layers;
  const count = Math.min(k, config.vocabSize);
  keptHidden(state);
  const program = (): Program => logitLensProgram(decoder.shape, count);
  const all = await readTop(decoder, state, { key: `logit lens ${count}`, program, rows: B * L, count }, 1);
  return Array.from({ length: B }, (_, b) => all.slice(b * L, (b + 1) * L));
}
