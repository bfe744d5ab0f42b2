import { siteId, uniformAt } from '../base/philox';
import type { DeviceTensor } from '../runtime/tensor';
import {
  BLOCK,
  type Block,
  type BlockOfRow,
  blocksOf,
  blocksProgram,
  chosenBlocksProgram,
  chosenInputs,
} from './blocked-logits';
import type { Decoder } from './decoder';
import {
  type BlockedRow,
  checkSampling,
  type Draw,
  type Drawing,
  draw,
  largestOf,
  type SamplingOptions,
  scaleOf,
} from './draw';
import { type DecodeShape, nextProgram } from './programs';
import { checkFinite, nextTokens, values } from './readout';
import type { DecoderState } from './state';

/** A drawn token. */
export interface SampledToken {
  readonly id: number;
  /** Under softmax(logits), the model's own distribution, whatever the settings; in nats. */
  readonly logProbability: number;
  /** The probability with which it was drawn, after temperature, top-k and top-p. */
  readonly probability: number;
}

/** Determines the noise: the same seed, sample and position give the same u, in any batch and after any fork. */
export interface NoiseKey {
  readonly seed: number;
  /** Number of the sample, for independent continuations of one text. */
  readonly sample: number;
  /** Number of tokens before the drawn one. */
  readonly position: number;
}

const SITE = siteId('sampling');
/** u in [0, 1). */
export const noise = ({ seed, sample, position }: NoiseKey): number =>
  uniformAt({ seed, step: position, layer: sample, site: SITE }, 0);

/** Compiles what `sampleNext` runs at every token. */
export async function prepareSampling(decoder: Decoder, options: SamplingOptions): Promise<void> {
  const { shape } = decoder;
  if (options.temperature === 0) return decoder.compileHead('next', () => nextProgram(shape));
  await decoder.compileHead('blocks', () => blocksProgram(shape));
  const isWhole = options.topK === null && options.topP === 1;
  const { name, program } = reading(shape, isWhole ? 1 : atOnceOf(blocksOf(shape.config)));
  await decoder.compileHead(name, program);
}

/** Blocks of a row that are read at once. */
const AT_ONCE = 32;
const atOnceOf = (blocks: readonly Block[]): number => Math.min(AT_ONCE, blocks.length);

/** The program that reads m blocks, `perRow` for each row. */
function reading(shape: DecodeShape, perRow: number) {
  const m = shape.batch * perRow;
  return { m, name: `chosen ${m}`, program: () => chosenBlocksProgram(shape, m) };
}

/**
 * Draws the next token of every row of a state. Only block maxima, block masses and the blocks that matter
 * reach the host, see `draw`. @param keys one for each row
 * @throws NumericError if a logit is NaN or infinite, InputError for impossible settings
 */
export async function sampleNext(
  decoder: Decoder,
  state: DecoderState,
  options: SamplingOptions,
  keys: readonly NoiseKey[],
): Promise<SampledToken[]> {
  checkSampling(options);
  if (options.temperature === 0) {
    const { ids, logProbabilities } = await nextTokens(decoder, state);
    return Array.from(ids, (id, b) => ({
      id,
      logProbability: logProbabilities[b] as number,
      probability: 1,
    }));
  }
  const { shape } = decoder;
  const scale = { dtype: 'f32', shape: [1, 1], data: Float32Array.of(scaleOf(options.temperature)) } as const;
  const {
    maxima: ofBlocks,
    masses: ofMasses,
    sum: ofRows,
    ...logits
  } = await decoder.read('blocks', () => blocksProgram(shape), state.tensors, { scale });
  try {
    const small = { maxima: ofBlocks, masses: ofMasses, sum: ofRows } as Record<string, DeviceTensor>;
    const { maxima, masses, sum } = (await values(small)) as Record<string, Float32Array>;
    checkFinite(sum as Float32Array);
    const blocks = blocksOf(shape.config);
    const rows = keys.map(
      (_, b): BlockedRow => ({ blocks, maxima: rowOf(maxima, b, keys), masses: rowOf(masses, b, keys) }),
    );
    const atOnce = atOnceOf(blocks);
    const draws = await drawAll(
      rows.map((row, b) => draw(row, options, noise(keys[b] as NoiseKey), atOnce)),
      async (asked) => {
        // At most two programs, however many blocks are requested: for one per row, and for `atOnce`.
        const { m, name, program } = reading(shape, asked.length > keys.length ? atOnce : 1);
        const read = decoder.read(name, program, logits, chosenInputs(shape.config, m, asked));
        return (await values(read)).chosen as Float32Array;
      },
    );
    return draws.map(({ id, logit, probability }, b) => {
      const max = largestOf((rows[b] as BlockedRow).maxima);
      return { id, probability, logProbability: logit - max - Math.log(sum?.[b] as number) };
    });
  } finally {
    for (const chunk of Object.values(logits)) chunk.dispose();
  }
}

const rowOf = (all: Float32Array | undefined, b: number, rows: readonly unknown[]): Float32Array => {
  const width = (all as Float32Array).length / rows.length;
  return (all as Float32Array).subarray(b * width, (b + 1) * width);
};

/** Runs all rows' drawings at once: the blocks they request are read together. */
async function drawAll(
  drawings: readonly Drawing[],
  read: (asked: readonly BlockOfRow[]) => Promise<Float32Array>,
): Promise<Draw[]> {
  const steps = drawings.map((drawing) => drawing.next());
  for (;;) {
    const asked = steps.flatMap((step, row) =>
      step.done ? [] : step.value.map((block) => ({ row, block })),
    );
    if (asked.length === 0) return steps.map(({ value }) => value as Draw);
    const found = await read(asked);
    const parts = asked.map((_, j) => found.subarray(j * BLOCK, (j + 1) * BLOCK));
    steps.forEach((step, row) => {
      if (step.done) return;
      const own = parts.filter((_, j) => asked[j]?.row === row);
      steps[row] = (drawings[row] as Drawing).next(own);
    });
  }
}
