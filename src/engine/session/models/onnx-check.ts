import { ConfigError, NumericError } from '../../base/errors';
import { showShape } from '../../base/shape';
import type { OnnxExport, OnnxIds } from './onnx-export';

/** Columns of the text that the check reads. */
const COLUMNS = 6;
/**
 * Share of the largest logit by which the two runs may differ: extra outputs keep the runtime from fusing
 * some nodes.
 */
const LOGITS = 0.02;
/**
 * How much earlier positions may change when only the last token does, relative to the change at its own
 * position. In float32 nothing changes; with dynamically quantised activations, which share one scale, some
 * do: measured 0.02.
 */
const EARLIER = 0.25;
/** Two layers closer than this count as the same value. */
const SAME = 1e-6;

/** An export that can be run. */
interface Runnable {
  states(
    fed: OnnxIds,
    options?: { readonly logits?: boolean },
  ): Promise<{
    readonly states: readonly Float32Array[];
    readonly shapes: readonly (readonly number[])[];
    readonly logits: { readonly shape: readonly number[]; readonly data: Float32Array } | undefined;
  }>;
  logits(fed: OnnxIds): Promise<Float32Array>;
  dispose(): Promise<void>;
}

const OTHER = 'Choose another export of the model, or its safetensors.';
const wrong = (name: string, found: string): ConfigError =>
  new ConfigError(`${name}: the values taken for hidden states are not hidden states: ${found}`, OTHER);

/**
 * Runs a short text through the export as it is and with its hidden states as outputs. They must be what they
 * are taken for: [B, T, H] each, the logits the same with and without them, no position changed by a later
 * token, and no two alike. The caller owns what `tapped` made.
 * @throws ConfigError naming what does not hold, NumericError if a value is not finite
 */
export async function verifyTaps<R extends Runnable>(
  file: OnnxExport,
  plain: () => Promise<R>,
  tapped: () => Promise<R>,
): Promise<R> {
  const ids = someIds(file.sizes.vocabSize);
  const before = await plain();
  let expected: Float32Array;
  try {
    expected = await before.logits(ids);
  } finally {
    // Only one of the two may be in memory at a time.
    await before.dispose();
  }
  const runner = await tapped();
  try {
    await verify(file, runner, ids, expected);
  } catch (error) {
    await runner.dispose();
    throw error;
  }
  return runner;
}

async function verify(
  { name, sizes }: OnnxExport,
  runner: Runnable,
  ids: OnnxIds,
  expected: Float32Array,
): Promise<void> {
  const { states, shapes, logits } = await runner.states(ids, { logits: true });
  const { hiddenSize: H, vocabSize: V } = sizes;
  shapes.forEach((shape, l) => {
    if (shape.length !== 3 || shape[0] !== 1 || shape[1] !== COLUMNS || shape[2] !== H)
      throw wrong(
        name,
        `${layer(l, shapes)} has the shape ${showShape(shape)}; ${showShape([1, COLUMNS, H])} is expected`,
      );
  });
  const given = logits?.shape.at(-1);
  if (given !== V)
    throw new ConfigError(
      `${name} gives ${given} logits per position; vocab_size of config.json is ${V}`,
      'Choose the config.json that belongs to the export.',
    );
  for (const [l, values] of states.entries())
    if (!values.every(Number.isFinite))
      throw new NumericError(`${name}: ${layer(l, shapes)} of a short text is not finite`, OTHER);
  const off = difference(logits?.data ?? new Float32Array(), expected) / largest(expected);
  if (!(off <= LOGITS)) throw wrong(name, `the logits change by ${share(off)} where they are read`);
  for (let l = 1; l < states.length; l++) {
    const [a, b] = [states[l - 1], states[l]] as [Float32Array, Float32Array];
    if (difference(a, b) <= SAME * largest(a))
      throw wrong(name, `layers ${l - 1} and ${l} have the same output`);
  }
  const other = lastChanged(ids, V);
  const changed = await runner.states(other);
  for (const [l, was] of states.entries()) {
    const earlier = spill(was, changed.states[l] as Float32Array, H);
    if (earlier <= EARLIER) continue;
    const found = `with another last token, earlier positions of ${layer(l, shapes)} change by ${share(earlier)} of its own change`;
    throw spill(expected, await runner.logits(other), V) > EARLIER
      ? unmasked(name, found)
      : wrong(name, found);
  }
}

/** What the network itself does, and not what was taken for its hidden states. */
const unmasked = (name: string, found: string): ConfigError =>
  new ConfigError(
    `${name} has no causal mask: ${found}, and the logits with them; such exports are made for one token at a time`,
    'Choose the export of the same model that takes a whole prompt (model.onnx or decoder_model.onnx), or its safetensors.',
  );

/**
 * How much the earlier positions change, relative to the change at the last, between two runs over `COLUMNS` positions of
 * `width` values; infinite if the last does not change. 0 where the last position alone is given.
 */
function spill(was: Float32Array, is: Float32Array, width: number): number {
  const split = was.length - width;
  const own = difference(was.subarray(split), is.subarray(split));
  return own > 0 ? difference(was.subarray(0, split), is.subarray(0, split)) / own : Number.POSITIVE_INFINITY;
}

const layer = (l: number, all: readonly unknown[]): string =>
  l === 0
    ? 'the embedding'
    : l === all.length - 1
      ? 'the output of the final norm'
      : `the output of layer ${l}`;

/** Ids spread over the vocabulary. */
const someIds = (V: number): OnnxIds => ({
  batch: 1,
  columns: COLUMNS,
  ids: Array.from({ length: COLUMNS }, (_, i) => Math.floor(((i + 0.5) * V) / COLUMNS)),
});

const lastChanged = (fed: OnnxIds, V: number): OnnxIds => ({
  ...fed,
  ids: Array.from(fed.ids, (id, i) => (i === COLUMNS - 1 ? Math.floor(V / 7) : id)),
});

const largest = (values: Float32Array): number => values.reduce((m, x) => Math.max(m, Math.abs(x)), 0);

/** Largest difference; NaN if they have different lengths. */
function difference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.NaN;
  return a.reduce((m, x, i) => Math.max(m, Math.abs(x - (b[i] as number))), 0);
}

const share = (value: number): string => `${(100 * value).toPrecision(2)} %`;
