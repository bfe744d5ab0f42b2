/**
 * Tiny checkpoints of every family and option as files, and what torch computes of them in float64: see
 * scripts/goldens/families/families.py, which also says where the weights come from.
 */
import type { NamedFile } from '../../../contract/lens';
import { encodeFloats, type FloatDType } from '../../checkpoint/float';
import { writeSafetensors } from '../../checkpoint/write';
import goldens from './families.golden.json';
import rounding from './rounding.golden.json';

export interface FamilyCase {
  readonly name: string;
  readonly seed: number;
  readonly config: object;
  readonly tensors: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly shift: number;
    /** Whether it is the weight of a norm, around 1. */
    readonly one: boolean;
    /** Whether it is a leftover, not part of the network. */
    readonly leftover: boolean;
  }[];
  /** Base64 of float32: [positions, L, H] and [positions, V], for all rows and for the text. */
  readonly hidden: string;
  readonly logits: string;
  readonly text: string;
  readonly textLogits: string;
  /** hidden_states[0], [positions, H]. */
  readonly fed: string;
  readonly textFed: string;
  /** Whether weights have 24 bits, which float32 holds, rather than 8, which every format does. */
  readonly fine?: boolean;
}

export const familyCases = goldens.cases as readonly FamilyCase[];
export const { questions: QUESTIONS, rest: REST, text: TEXT } = goldens;
const VOCABULARY = 31;

/** One of each family with weights that 16 bits do not hold; expected is what those very weights give: rounding.py beside it. */
export const fineCases: readonly FamilyCase[] = rounding.map((fine) => ({
  ...(familyCases.find(({ name }) => name === fine.name) as FamilyCase),
  ...fine,
  fine: true,
}));

/**
 * The golden text as these checkpoints' tokenizer reads it: a letter for each id, and an unknown letter for
 * `<unk>`, id 0.
 */
export const textOf = (ids: readonly number[]): string => String.fromCharCode(...ids.map((id) => 96 + id));

/** As scripts/goldens/families/families.py makes them, exact in every format, or rounding.py, in float32 alone. */
export function weightsOf({
  seed,
  tensors,
  fine = false,
}: Pick<FamilyCase, 'seed' | 'tensors' | 'fine'>): Map<string, Float32Array> {
  let state = seed;
  const bits = fine ? 24 : 8;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> (32 - bits)) - 2 ** (bits - 1);
  };
  return new Map(
    tensors.map(({ name, shape, shift, one }) => {
      const length = shape.reduce((n, d) => n * d, 1);
      const values = Float32Array.from({ length }, () =>
        one ? (next() >> 2) / 2 ** (bits - 2) + 1 : next() / 2 ** (bits - 8 + shift),
      );
      return [name, values];
    }),
  );
}

/** The checkpoint's files, with weights stored as `dtype`. @param shards 2: every other tensor in a second file, with an index */
export function familyFiles(family: FamilyCase, dtype: FloatDType, shards: 1 | 2 = 1): NamedFile[] {
  const files: Record<string, BlobPart> = {
    'config.json': JSON.stringify(family.config),
    'tokenizer.json': JSON.stringify(tokenizerJson()),
    ...weightFiles(family, dtype, shards),
  };
  return Object.entries(files).map(([name, data]) => ({ name, data: new Blob([data]) }));
}

function weightFiles(family: FamilyCase, dtype: FloatDType, shards: 1 | 2): Record<string, BlobPart> {
  const values = weightsOf(family);
  const tensors = family.tensors.map(({ name, shape }) => ({
    name,
    shape,
    dtype,
    bytes: encodeFloats(values.get(name) as Float32Array, dtype),
  }));
  if (shards === 1) return { 'model.safetensors': writeSafetensors(tensors) };
  const nameOf = (i: number): string => `model-0000${(i % 2) + 1}-of-00002.safetensors`;
  const map = Object.fromEntries(tensors.map(({ name }, i) => [name, nameOf(i)]));
  return {
    'model.safetensors.index.json': JSON.stringify({ metadata: {}, weight_map: map }),
    [nameOf(0)]: writeSafetensors(tensors.filter((_, i) => i % 2 === 0)),
    [nameOf(1)]: writeSafetensors(tensors.filter((_, i) => i % 2 === 1)),
  };
}

function tokenizerJson(): object {
  const tokens = Array.from({ length: VOCABULARY }, (_, i) =>
    i === 0 ? '<unk>' : String.fromCharCode(96 + i),
  );
  const vocab = Object.fromEntries(tokens.map((token, i) => [token, i]));
  return {
    version: '1.0',
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    model: { type: 'BPE', unk_token: '<unk>', vocab, merges: [] },
  };
}

/** Hidden states 0 … L of the golden text, [L + 1, tokens, H]: the layout of an exported file of all layers. */
export function textStates({ text, textFed, config }: FamilyCase): Float32Array {
  const { hidden_size, n_embd } = config as { hidden_size?: number; n_embd?: number };
  const H = (hidden_size ?? n_embd) as number;
  const [fed, values] = [floats(textFed), floats(text)];
  const L = values.length / (TEXT.length * H);
  return Float32Array.from({ length: fed.length + values.length }, (_, i) => {
    const [layer, t, h] = [Math.floor(i / (TEXT.length * H)), Math.floor(i / H) % TEXT.length, i % H];
    return (layer === 0 ? fed[t * H + h] : values[(t * L + layer - 1) * H + h]) as number;
  });
}

/** Shape and values of a .npy file of float32. */
export function readNpy(bytes: Uint8Array): { shape: number[]; values: Float32Array } {
  const from = 10 + (bytes[8] as number) + 256 * (bytes[9] as number);
  const header = new TextDecoder('latin1').decode(bytes.subarray(10, from));
  const [, shape = ''] = /'<f4'.*False.*'shape': \(([^)]*)\)/.exec(header) ?? [];
  return {
    shape: shape.split(',').map(Number),
    values: new Float32Array(Uint8Array.from(bytes.subarray(from)).buffer),
  };
}

/** The most probable token after the first `length` tokens of the golden text, and its log softmax. */
export function mostProbable(
  { textLogits }: FamilyCase,
  length: number,
): { id: number; logProbability: number } {
  const row = Array.from(floats(textLogits).subarray((length - 1) * VOCABULARY, length * VOCABULARY));
  const max = Math.max(...row);
  return {
    id: row.indexOf(max),
    logProbability: -Math.log(row.reduce((sum, x) => sum + Math.exp(x - max), 0)),
  };
}

/** Largest difference relative to the largest value. @param partial skips expected values that are NaN */
export function distance(actual: Float32Array, expected: Float32Array, partial = false): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [most, size, compared] = [0, 0, 0];
  actual.forEach((x, i) => {
    const y = expected[i] as number;
    size = Math.max(size, Math.abs(y));
    if (partial && Number.isNaN(x)) return;
    compared++;
    most = Math.max(most, Number.isNaN(x) ? Number.POSITIVE_INFINITY : Math.abs(x - y));
  });
  return compared > 0 && size > 0 ? most / size : Number.POSITIVE_INFINITY;
}

export const floats = (base64: string): Float32Array =>
  new Float32Array(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer);
