import type { GraphHostTensor } from '../base/dtype';
import { InputError, NumericError } from '../base/errors';
import type { Program } from '../graph/graph';
import { embeddingRows } from '../model/fed-embeddings';
import { type Feedback, feedbackName } from '../nn/feedback';
import type { DeviceTensor } from '../runtime/tensor';
import type { Decoder, DecoderInput } from './decoder';
import { embedProgram, latentProgram, logitsProgram, nextProgram, topProgram } from './programs';
import { type DecodeSite, readOutput, rowsOutput, siteName } from './sites';
import type { DecoderState } from './state';

/** The most probable next token of each sequence. */
export interface NextTokens {
  /** [B]; ties go to the lowest id. */
  readonly ids: Int32Array;
  /** [B], natural logarithm. */
  readonly logProbabilities: Float32Array;
}

/** @throws NumericError if a logit is NaN or infinite */
export async function nextTokens(decoder: Decoder, state: DecoderState): Promise<NextTokens> {
  const { id, logProbability } = await values(
    decoder.read('next', () => nextProgram(decoder.shape), state.tensors),
  );
  const logProbabilities = logProbability as Float32Array;
  checkFinite(logProbabilities);
  return { ids: id as Int32Array, logProbabilities };
}

/** The most probable tokens of one sequence, most probable first, and the distribution's entropy in nats. */
export interface TopTokens {
  readonly top: readonly { readonly id: number; readonly probability: number }[];
  readonly entropy: number;
}

/**
 * The k most probable tokens of softmax(logits/τ) for each sequence; ties are in order of id.
 * @throws NumericError if a logit is NaN or infinite
 */
export async function topTokens(
  decoder: Decoder,
  state: DecoderState,
  k: number,
  temperature = 1,
): Promise<TopTokens[]> {
  const { batch: B, config } = decoder.shape;
  const count = Math.min(k, config.vocabSize);
  const program = (): Program => topProgram(decoder.shape, count);
  return readTop(decoder, state, { key: `top ${count}`, program, rows: B, count }, temperature);
}

/**
 * The `count` most probable tokens, from a program's outputs `ids`, `logProbabilities` [rows, count] and
 * `entropy` [rows].
 */
export async function readTop(
  decoder: Decoder,
  state: DecoderState,
  {
    key,
    program,
    rows,
    count,
  }: {
    readonly key: string;
    readonly program: () => Program;
    readonly rows: number;
    readonly count: number;
  },
  temperature: number,
): Promise<TopTokens[]> {
  const scale: GraphHostTensor = { dtype: 'f32', shape: [1, 1], data: Float32Array.of(1 / temperature) };
  const read = decoder.read(key, program, state.tensors, { scale });
  const { ids, logProbabilities, entropy } = (await values(read)) as Record<string, Float32Array>;
  checkFinite(entropy as Float32Array);
  return Array.from({ length: rows }, (_, row) => ({
    top: Array.from({ length: count }, (_, j) => ({
      id: ids?.[row * count + j] as number,
      probability: Math.exp(logProbabilities?.[row * count + j] as number),
    })),
    // Rounding can make the entropy of a certainty slightly negative.
    entropy: Math.max(0, entropy?.[row] as number),
  }));
}

/** Logits after the last position, [B, V]: for inspecting all of them; nothing else needs them on the host. */
export async function logitsOf(decoder: Decoder, state: DecoderState): Promise<Float32Array> {
  const { batch: B, config } = decoder.shape;
  const V = config.vocabSize;
  const chunks = await values(decoder.read('logits', () => logitsProgram(decoder.shape), state.tensors));
  const out = new Float32Array(B * V);
  let from = 0;
  for (let c = 0; chunks[c]; c++) {
    const chunk = chunks[c] as Float32Array;
    const width = chunk.length / B;
    for (let b = 0; b < B; b++) out.set(chunk.subarray(b * width, (b + 1) * width), b * V + from);
    from += width;
  }
  return out;
}

/** The latent that would be fed, [B, H]. */
export async function latentOf(
  decoder: Decoder,
  state: DecoderState,
  feedback: Feedback,
): Promise<Float32Array<ArrayBuffer>> {
  const key = `z ${feedbackName(feedback)}`;
  const { z } = await values(decoder.read(key, () => latentProgram(decoder.shape, feedback), state.tensors));
  return z as Float32Array<ArrayBuffer>;
}

/** Embeddings of tokens as the decoder feeds them, [ids, H]. @throws InputError for an id outside the vocabulary */
export async function embeddingsOf(
  decoder: Decoder,
  ids: readonly number[],
): Promise<Float32Array<ArrayBuffer>> {
  const { shape, model } = decoder;
  // Read even if embeddings are trained, so that an invalid id is refused.
  const own = embeddingRows(model.source, ids);
  if (!shape.parameters?.weights) return own.data;
  const n = ids.length;
  const host: GraphHostTensor = { dtype: 'i32', shape: [n], data: Int32Array.from(ids) };
  const { x } = await values(decoder.read(`embed ${n}`, () => embedProgram(shape, n), {}, { ids: host }));
  return x as Float32Array<ArrayBuffer>;
}

/** What an input feeds, [B, H]. */
export async function vectorOf(
  decoder: Decoder,
  state: DecoderState,
  input: DecoderInput,
): Promise<Float32Array<ArrayBuffer>> {
  if ('latent' in input) return latentOf(decoder, state, input.latent);
  if ('vector' in input) return input.vector;
  if ('tokens' in input) return embeddingsOf(decoder, input.tokens);
  const { batch: B, config } = decoder.shape;
  const row = await decoder.parameterRow(input);
  const all = new Float32Array(B * config.hiddenSize);
  for (let b = 0; b < B; b++) all.set(row, b * row.length);
  return all;
}

/** hidden_states[1..L] of the last position, [B, L, H]. @throws InputError if the step did not keep them */
export async function hiddenOf(state: DecoderState): Promise<Float32Array> {
  return (await keptHidden(state).read()) as Float32Array;
}

/** @throws InputError if the step did not keep them */
export function keptHidden({ tensors: { hidden } }: DecoderState): DeviceTensor {
  if (!hidden)
    throw new InputError('the hidden states of this step were not kept', 'Pass `hidden: true` to the step.');
  return hidden;
}

/** The state at a site of the last position, [B, H], before any intervention. @throws InputError if the step did not read it */
export async function siteStateOf(state: DecoderState, at: DecodeSite): Promise<Float32Array<ArrayBuffer>> {
  const found = state.tensors[readOutput(at)];
  if (!found)
    throw new InputError(`the state at ${siteName(at)} was not read in this step`, 'Step with `read`.');
  return (await found.read()) as Float32Array<ArrayBuffer>;
}

/** The states at a site of all columns of the question, [B·S, H], before they are replaced. @throws InputError if none were */
export async function questionStatesOf(
  { tensors }: DecoderState,
  at: DecodeSite,
): Promise<Float32Array<ArrayBuffer>> {
  const found = tensors[rowsOutput(at)];
  if (!found)
    throw new InputError(
      `the states at ${siteName(at)} were not replaced while the question was read`,
      'Read it with `rows` there.',
    );
  return (await found.read()) as Float32Array<ArrayBuffer>;
}

/**
 * Attention weights of the last position over all T columns, [B, L, heads, T]: they sum to 1, and are 0 at
 * padding and at columns not yet filled. @throws InputError if the step did not keep them
 */
export async function attentionOf(state: DecoderState): Promise<Float32Array> {
  const { attention } = state.tensors;
  if (!attention)
    throw new InputError('the attention weights of this step were not kept', 'Step with `attention`.');
  return (await attention.read()) as Float32Array;
}

/** Reads a program's outputs and disposes of them. */
export async function values(
  run: Promise<Record<string, DeviceTensor>> | Record<string, DeviceTensor>,
): Promise<Record<string, ArrayLike<number>>> {
  const outputs = Object.entries(await run);
  try {
    const read = await Promise.all(
      outputs.map(async ([name, tensor]) => [name, await tensor.read()] as const),
    );
    return Object.fromEntries(read);
  } finally {
    for (const [, tensor] of outputs) tensor.dispose();
  }
}

/** @param perSequence [B], finite where all logits are @throws NumericError */
export function checkFinite(perSequence: Float32Array): void {
  const b = perSequence.findIndex((x) => !Number.isFinite(x));
  if (b >= 0)
    throw new NumericError(
      `a logit of the model is not finite in sequence ${b + 1}; NaN or infinity was found where numbers were expected`,
      'The weights have diverged: train again with a lower learning rate.',
    );
}
