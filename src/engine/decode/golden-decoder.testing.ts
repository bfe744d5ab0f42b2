import type { HostTensor } from '../base/dtype';
import { HIDDEN } from '../base/tokens';
import { parseModelConfig } from '../checkpoint/config';
import type { LinearName } from '../nn/config';
import { type LoraSpec, loraLayout } from '../nn/lora';
import { adapted as asStudent } from '../nn/parameters.testing';
import { packWeights } from '../nn/weights';
import type { Runtime } from '../runtime/runtime';
import { readGolden } from '../testing/golden.testing';
import type { StepOptions } from './decoder';
import { decoderOf } from './decoder.testing';
import type { DecoderState } from './state';

const LINEARS: readonly LinearName[] = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'];
/** Columns after the question in the golden file, and one more that stays empty. */
const LATER = 3;

export type GoldenDecoder = Awaited<ReturnType<typeof openGolden>>;

/**
 * The decoder of decode.golden.json, with its adapter unless `adapted` is false.
 * @param scales factors for some weights, by their Hugging Face names
 */
export async function openGolden(
  runtime: Runtime,
  {
    adapted = true,
    scales = {},
  }: { readonly adapted?: boolean; readonly scales?: Readonly<Record<string, number>> } = {},
) {
  const golden = readGolden('decode');
  const { rank, alpha, question: S, config: json } = golden.meta;
  const config = parseModelConfig(json);
  const tensors = new Map<string, HostTensor>();
  for (const [name, { shape }] of golden.under('weights.'))
    tensors.set(name, {
      dtype: 'f32',
      shape,
      data: golden.f32(`weights.${name}`).map((x) => x * (scales[name] ?? 1)),
    });
  const spec: LoraSpec = { rank, alpha, targets: LINEARS };
  const parameters = adapted ? asStudent(spec) : undefined;
  const ids = golden.i32('ids');
  const B = ids.length / S;
  const shape = { config, batch: B, question: S, capacity: S + LATER, parameters };
  const decoder = await decoderOf(runtime, packWeights(config, tensors), shape);
  const { parts, length } = loraLayout(config, spec);
  const packs = Array.from({ length: adapted ? config.layers : 0 }, (_, i) => {
    const data = new Float32Array(length);
    for (const { linear, factor, offset } of parts)
      data.set(golden.f32(`lora.layers.${i}.${linear}.${factor}`), offset);
    return runtime.upload({ dtype: 'f32', shape: [length], data });
  });
  decoder.setParameters(packs);
  const keyMask = golden.f32('keyMask').map((seen) => (seen ? 0 : HIDDEN));
  const inputs = [{ tokens: Array.from(golden.i32('tokens')) }, { vector: golden.f32('vector') }];
  return {
    golden,
    config,
    decoder,
    /** B sequences, S columns of question, T keys. */
    sizes: { B, S, T: S + LATER },
    /** [B, T] */
    isPadding: (b: number, column: number): boolean => column < S && keyMask[b * S + column] === HIDDEN,
    begin: (options: StepOptions): Promise<DecoderState> =>
      decoder.begin(
        { dtype: 'i32', shape: [B, S], data: ids },
        { dtype: 'f32', shape: [B, 1, 1, S], data: keyMask },
        options,
      ),
    inputs,
    /** The state after the question, the tokens and the vectors. */
    async end(question: StepOptions, later: StepOptions = question): Promise<DecoderState> {
      let state = await this.begin(question);
      for (const input of inputs) state = await decoder.step(state, input, later);
      return state;
    },
    async dispose(): Promise<void> {
      await decoder.dispose();
      for (const pack of packs) pack.dispose();
    },
  };
}
