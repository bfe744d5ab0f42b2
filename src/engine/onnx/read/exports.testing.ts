/**
 * Decoders in the forms that published ONNX exports have: as torch.onnx and optimum write them, decomposed; and as the
 * builder of onnxruntime-genai does, with the operators of com.microsoft. Weights by their Hugging Face names.
 */
import {
  BOOL,
  type Export,
  type ExportOptions,
  ExportWriter,
  F16,
  F32,
  I8,
  I32,
  I64,
  U8,
} from './write.testing';

export interface LlamaSizes {
  readonly layers: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly intermediateSize: number;
  readonly vocabSize: number;
  readonly normEps: number;
  readonly ropeTheta: number;
  readonly attentionBias: boolean;
}

export interface LlamaForm extends ExportOptions {
  /** `skip-add`: SkipSimplifiedLayerNormalization gives the norm alone, and an Add beside it the sum. */
  readonly form: 'decomposed' | 'genai' | 'skip-add';
  /** Of the linears' weights. */
  readonly linears?: 'float' | 'int8' | 'q4';
  /** The head is stored as the linears are, and beside int8 linears the embedding as int8 too. */
  readonly vocabulary?: boolean;
  /** Of MatMulNBits: 4 lets activations be rounded to 8 bits. */
  readonly accuracyLevel?: number;
  /** Of everything else, and of inputs and outputs. */
  readonly halves?: boolean;
  /** Rotates inside of GroupQueryAttention. */
  readonly doRotary?: boolean;
  /** Logits of the last position alone. */
  readonly lastOnly?: boolean;
  /** Logits of as many of the last positions as the input num_logits_to_keep says. */
  readonly keepsLogits?: boolean;
  /** Every position sees all others, as in an encoder. */
  readonly acausal?: boolean;
}

type Tensors = ReadonlyMap<string, Float32Array>;
/** What a writer asks for one at a time. */
export type TensorsByName = Pick<Tensors, 'get' | 'has'>;
const MAX_POSITIONS = 256;

export function llamaExport(sizes: LlamaSizes, tensors: TensorsByName, form: LlamaForm): Export {
  return new LlamaExport(sizes, tensors, form).write();
}

/** 4-bit blocks of 32 along the input: nibbles, scales, and the weights that they stand for. */
export function q4(weight: Float32Array, K: number) {
  const packed = new Uint8Array(weight.length / 2);
  const scales = new Float32Array(weight.length / 32);
  const back = new Float32Array(weight.length);
  if (K % 32 !== 0) throw new Error('K');
  for (let block = 0; block < scales.length; block++) {
    const values = weight.subarray(32 * block, 32 * block + 32);
    let most = 0;
    for (const x of values) most = Math.max(most, Math.abs(x));
    scales[block] = most / 7;
    values.forEach((x, i) => {
      const q = Math.min(15, Math.max(0, Math.round(x / (scales[block] as number)) + 8));
      const at = 32 * block + i;
      packed[at >> 1] = (packed[at >> 1] as number) | (q << (4 * (at % 2)));
      back[at] = (q - 8) * (scales[block] as number);
    });
  }
  return { packed, scales, back };
}

/** 8-bit values with one scale. */
export function int8(weight: Float32Array) {
  const scale = Math.fround(weight.reduce((m, x) => Math.max(m, Math.abs(x)), 0) / 127);
  const values = Int8Array.from(weight, (x) => Math.round(x / scale));
  return { scale, values, back: Float32Array.from(values, (q) => q * scale) };
}

/** The linears' weights as the export holds them, everything else unchanged. */
export function storedWeights(
  tensors: Tensors,
  linears: LlamaForm['linears'],
  H: number,
): Map<string, Float32Array> {
  return new Map(
    [...tensors].map(([name, values]) => {
      if (!name.includes('proj.weight') || linears === 'float' || !linears) return [name, values];
      return [name, linears === 'q4' ? q4(values, H).back : int8(values).back];
    }),
  );
}

class LlamaExport {
  private readonly w: ExportWriter;
  private readonly element: number;
  private readonly quantised = new Map<string, readonly string[]>();

  constructor(
    private readonly s: LlamaSizes,
    private readonly tensors: TensorsByName,
    private readonly form: LlamaForm,
  ) {
    this.w = new ExportWriter(form);
    this.element = form.halves ? F16 : F32;
  }

  write(): Export {
    const { w, s } = this;
    const ids = w.input('input_ids', I64, ['batch_size', 'sequence_length']);
    const mask = w.input('attention_mask', I64, ['batch_size', 'total_sequence_length']);
    const rotaryInside = this.form.form !== 'decomposed' && this.form.doRotary;
    const positions = rotaryInside ? '' : w.input('position_ids', I64, ['batch_size', 'sequence_length']);
    for (let i = 0; i < s.layers; i++)
      for (const what of ['key', 'value'])
        w.input(`past_key_values.${i}.${what}`, this.element, [
          'batch_size',
          s.kvHeads,
          'past_sequence_length',
          s.headDim,
        ]);
    w.output('logits', this.element, ['batch_size', 'sequence_length', s.vocabSize]);
    for (let i = 0; i < s.layers; i++)
      for (const what of ['key', 'value'])
        w.output(`present.${i}.${what}`, this.element, [
          'batch_size',
          s.kvHeads,
          'total_sequence_length',
          s.headDim,
        ]);
    const x = this.embedded(ids);
    const normed =
      this.form.form === 'decomposed'
        ? this.decomposed(x, ids, mask, positions)
        : this.genai(x, mask, positions);
    this.head(normed);
    return w.finish();
  }

  private embedded(ids: string): string {
    const { w, s } = this;
    const name = 'model.embed_tokens.weight';
    const dims = [s.vocabSize, s.hiddenSize];
    if (!this.form.vocabulary || this.form.linears !== 'int8')
      return w.node('Gather', [this.floats(name, dims), ids]);
    const { scale, values } = int8(this.tensor(name));
    const rows = w.node('Gather', [w.weight(`${name}_rows`, I8, dims, () => values), ids]);
    return w.node('DequantizeLinear', [rows, w.scalar(scale)]);
  }

  private head(normed: string): void {
    const { w, s } = this;
    const name = this.tensors.has('lm_head.weight') ? 'lm_head.weight' : 'model.embed_tokens.weight';
    let read = normed;
    if (this.form.lastOnly) read = w.node('Slice', [read, w.ints(-1), w.ints(2 ** 31 - 1), w.ints(1)]);
    if (this.form.keepsLogits) {
      const keep = w.input('num_logits_to_keep', I64, []);
      const from = w.node('Unsqueeze', [w.node('Neg', [keep]), w.ints(0)]);
      read = w.node('Slice', [read, from, w.ints(2 ** 31 - 1), w.ints(1)]);
    }
    if (this.form.vocabulary && this.form.linears !== 'float') {
      w.nodeTo('Identity', [this.linear(read, name.replace('.weight', ''))], ['logits']);
      return;
    }
    const weight = this.floats(`${name} transposed`, [s.hiddenSize, s.vocabSize], () =>
      transposed(this.tensor(name), s.vocabSize),
    );
    w.nodeTo('MatMul', [read, weight], ['logits']);
  }

  private tensor(name: string): Float32Array {
    const values = this.tensors.get(name);
    if (!values) throw new Error(`no ${name}`);
    return values;
  }

  private floats(name: string, dims: readonly number[], make = () => this.tensor(name)): string {
    return this.w.floats(name, this.element, dims, make);
  }

  /** x · Wᵀ (+ b). */
  private linear(x: string, name: string): string {
    const { w, s } = this;
    const weight = this.tensor(`${name}.weight`);
    const inputs = name.endsWith('down_proj')
      ? s.intermediateSize
      : name.endsWith('o_proj')
        ? s.heads * s.headDim
        : s.hiddenSize;
    const outputs = weight.length / inputs;
    let y: string;
    if (this.form.linears === 'q4') y = this.q4Linear(x, name, inputs, outputs);
    else if (this.form.linears === 'int8') y = this.int8Linear(x, name, inputs, outputs);
    else {
      const W = this.floats(`${name}.MatMul.weight`, [inputs, outputs], () => transposed(weight, outputs));
      y = w.node('MatMul', [x, W]);
    }
    if (!this.tensors.has(`${name}.bias`)) return y;
    return w.node('Add', [this.floats(`${name}.bias`, [outputs]), y]);
  }

  private q4Linear(x: string, name: string, K: number, N: number): string {
    const { packed, scales } = q4(this.tensor(`${name}.weight`), K);
    const B = this.w.weight(`${name}.weight_Q4`, U8, [N, K / 32, 16], () => packed);
    const S = this.floats(`${name}.weight_scales`, [scales.length], () => scales);
    const { accuracyLevel } = this.form;
    const attributes = { K, N, bits: 4, block_size: 32 };
    return this.w.node('MatMulNBits', [x, B, S], {
      ...attributes,
      ...(accuracyLevel !== undefined && { accuracy_level: accuracyLevel }),
    });
  }

  private int8Linear(x: string, name: string, K: number, N: number): string {
    const { w } = this;
    const { scale, values } = int8(transposed(this.tensor(`${name}.weight`), N));
    const B = w.weight(`${name}.weight_quantized`, I8, [K, N], () => values);
    const zero = w.weight('zero point', I8, [], () => Int8Array.of(0));
    let quantised = this.quantised.get(x);
    if (!quantised) {
      quantised = ['quantized', 'scale', 'zero_point'].map((what) => w.name(`${x}_${what}`));
      w.nodeTo('DynamicQuantizeLinear', [x], quantised);
      this.quantised.set(x, quantised);
    }
    const [q, scaleX, zeroX] = quantised as [string, string, string];
    const product = w.node('Cast', [w.node('MatMulInteger', [q, B, zeroX, zero])], { to: F32 });
    return w.node('Mul', [product, w.node('Mul', [scaleX, w.scalar(scale)])]);
  }

  private decomposed(embedded: string, ids: string, mask: string, positions: string): string {
    const { s, w } = this;
    const [cos, sin] = this.rotary(positions);
    const bias = this.causalBias(ids, mask);
    let x = embedded;
    for (let i = 0; i < s.layers; i++) {
      const at = `model.layers.${i}`;
      const n = this.norm(x, `${at}.input_layernorm.weight`);
      const q = this.turned(this.byHead(this.linear(n, `${at}.self_attn.q_proj`), s.heads), cos, sin);
      const k = this.turned(this.byHead(this.linear(n, `${at}.self_attn.k_proj`), s.kvHeads), cos, sin);
      const v = this.byHead(this.linear(n, `${at}.self_attn.v_proj`), s.kvHeads);
      w.nodeTo('Concat', [`past_key_values.${i}.key`, k], [`present.${i}.key`], { axis: 2 });
      w.nodeTo('Concat', [`past_key_values.${i}.value`, v], [`present.${i}.value`], { axis: 2 });
      const keys = w.node('Transpose', [this.repeated(`present.${i}.key`)], { perm: [0, 1, 3, 2] });
      const scores = w.node('Div', [
        w.node('MatMul', [q, keys]),
        w.scalar(Math.sqrt(s.headDim), this.element),
      ]);
      const weights = w.node('Softmax', [w.node('Add', [scores, bias])], { axis: -1 });
      const mixed = w.node('Transpose', [w.node('MatMul', [weights, this.repeated(`present.${i}.value`)])], {
        perm: [0, 2, 1, 3],
      });
      const flat = w.node('Reshape', [mixed, w.ints(0, 0, s.heads * s.headDim)]);
      x = w.node('Add', [x, this.linear(flat, `${at}.self_attn.o_proj`)]);
      const m = this.norm(x, `${at}.post_attention_layernorm.weight`);
      x = w.node('Add', [x, this.mlp(m, at)]);
    }
    return this.norm(x, 'model.norm.weight');
  }

  private mlp(x: string, at: string): string {
    const { w } = this;
    const gate = this.linear(x, `${at}.mlp.gate_proj`);
    const silu = w.node('Mul', [gate, w.node('Sigmoid', [gate])]);
    return this.linear(w.node('Mul', [silu, this.linear(x, `${at}.mlp.up_proj`)]), `${at}.mlp.down_proj`);
  }

  private norm(x: string, weight: string): string {
    const { w, s } = this;
    const wide = this.form.halves ? w.node('Cast', [x], { to: F32 }) : x;
    const mean = w.node('ReduceMean', [w.node('Pow', [wide, w.scalar(2)])], { axes: [-1], keepdims: 1 });
    const root = w.node('Sqrt', [w.node('Add', [mean, w.scalar(s.normEps)])]);
    let y = w.node('Mul', [wide, w.node('Div', [w.scalar(1), root])]);
    if (this.form.halves) y = w.node('Cast', [y], { to: F16 });
    return w.node('Mul', [this.floats(weight, [s.hiddenSize]), y]);
  }

  /** [B, S, n·d] → [B, n, S, d] */
  private byHead(x: string, heads: number): string {
    const split = this.w.node('Reshape', [x, this.w.ints(0, 0, heads, this.s.headDim)]);
    return this.w.node('Transpose', [split], { perm: [0, 2, 1, 3] });
  }

  private turned(x: string, cos: string, sin: string): string {
    const { w } = this;
    const half = this.s.headDim / 2;
    const first = w.node('Slice', [x, w.ints(0), w.ints(half), w.ints(3)]);
    const second = w.node('Slice', [x, w.ints(half), w.ints(2 ** 31 - 1), w.ints(3)]);
    const swapped = w.node('Concat', [w.node('Neg', [second]), first], { axis: -1 });
    return w.node('Add', [w.node('Mul', [x, cos]), w.node('Mul', [swapped, sin])]);
  }

  /** Every key/value head as often as query heads read it, with sizes taken from the value, as exports do. */
  private repeated(x: string): string {
    const { w, s } = this;
    const groups = s.heads / s.kvHeads;
    if (groups === 1) return x;
    const shape = w.node('Shape', [x]);
    const size = (i: number): string => w.node('Gather', [shape, w.ints(i)], { axis: 0 });
    const wide = [size(0), w.ints(s.kvHeads), w.ints(groups), size(2), w.ints(s.headDim)];
    const flat = [size(0), w.ints(s.heads), size(2), w.ints(s.headDim)];
    const expanded = w.node('Expand', [
      w.node('Unsqueeze', [x, w.ints(2)]),
      w.node('Concat', wide, { axis: 0 }),
    ]);
    return w.node('Reshape', [expanded, w.node('Concat', flat, { axis: 0 })]);
  }

  private rotary(positions: string): readonly [string, string] {
    const { w, s } = this;
    const half = s.headDim / 2;
    const inverse = w.floats('inv_freq', F32, [1, half, 1], () =>
      Float32Array.from({ length: half }, (_, i) => s.ropeTheta ** (-i / half)),
    );
    const at = w.node('Cast', [w.node('Unsqueeze', [positions, w.ints(1)])], { to: F32 });
    const angles = w.node('Transpose', [w.node('MatMul', [inverse, at])], { perm: [0, 2, 1] });
    const both = w.node('Concat', [angles, angles], { axis: -1 });
    return ['Cos', 'Sin'].map((op) => {
      const table = w.node('Unsqueeze', [w.node(op, [both]), w.ints(1)]);
      return this.form.halves ? w.node('Cast', [table], { to: F16 }) : table;
    }) as [string, string];
  }

  /** 0 where a position may look, hugely negative where not: [B, 1, S, T]. */
  private causalBias(ids: string, mask: string): string {
    const { w } = this;
    const size = (x: string, axis: number): string =>
      w.node('Gather', [w.node('Shape', [x]), w.int(axis)], { axis: 0 });
    const past = size('past_key_values.0.key', 2);
    const total = w.node('Add', [past, size(ids, 1)]);
    const columns = w.node('Range', [w.int(0), total, w.int(1)]);
    const rows = w.node('Unsqueeze', [w.node('Range', [past, total, w.int(1)]), w.ints(1)]);
    const causal = w.node(this.form.acausal ? 'GreaterOrEqual' : 'LessOrEqual', [
      columns,
      this.form.acausal ? w.int(0) : rows,
    ]);
    const shown = w.node('Unsqueeze', [w.node('Cast', [mask], { to: BOOL }), w.ints(1, 2)]);
    const low = this.form.halves ? -65504 : -3.4028234663852886e38;
    return w.node('Where', [
      w.node('And', [causal, shown]),
      w.scalar(0, this.element),
      w.scalar(low, this.element),
    ]);
  }

  private genai(embedded: string, mask: string, positions: string): string {
    const { s, w } = this;
    const sum = w.node('ReduceSum', [mask, w.ints(1)], { keepdims: 0 });
    const seqlens = w.node('Cast', [w.node('Sub', [sum, w.ints(1)])], { to: I32 });
    const total = w.node('Cast', [w.node('Gather', [w.node('Shape', [mask]), w.int(1)], { axis: 0 })], {
      to: I32,
    });
    const tables = ['cos', 'sin'].map((what) => this.cache(what)) as [string, string];
    let x = embedded;
    let n = w.node(
      'SimplifiedLayerNormalization',
      [x, this.floats('model.layers.0.input_layernorm.weight', [s.hiddenSize])],
      { axis: -1, epsilon: { float: s.normEps }, stash_type: 1 },
    );
    for (let i = 0; i < s.layers; i++) {
      const at = `model.layers.${i}`;
      let q = this.linear(n, `${at}.self_attn.q_proj`);
      let k = this.linear(n, `${at}.self_attn.k_proj`);
      const v = this.linear(n, `${at}.self_attn.v_proj`);
      if (!this.form.doRotary) {
        q = w.node('RotaryEmbedding', [q, positions, ...tables], { num_heads: s.heads });
        k = w.node('RotaryEmbedding', [k, positions, ...tables], { num_heads: s.kvHeads });
      }
      const mixed = w.name(`/model/layers.${i}/attn/GroupQueryAttention/output_0`);
      w.nodeTo(
        'GroupQueryAttention',
        [
          q,
          k,
          v,
          `past_key_values.${i}.key`,
          `past_key_values.${i}.value`,
          seqlens,
          total,
          ...(this.form.doRotary ? tables : []),
        ],
        [mixed, `present.${i}.key`, `present.${i}.value`],
        {
          num_heads: s.heads,
          kv_num_heads: s.kvHeads,
          scale: { float: 1 / Math.sqrt(s.headDim) },
          do_rotary: this.form.doRotary ? 1 : 0,
          rotary_interleaved: 0,
        },
      );
      const o = this.linear(mixed, `${at}.self_attn.o_proj`);
      [n, x] = this.skipNorm(x, o, `${at}.post_attention_layernorm.weight`);
      const next = i + 1 < s.layers ? `model.layers.${i + 1}.input_layernorm.weight` : 'model.norm.weight';
      [n, x] = this.skipNorm(x, this.mlp(n, at), next);
    }
    return n;
  }

  private cache(what: string): string {
    const half = this.s.headDim / 2;
    return this.floats(`${what}_cache`, [MAX_POSITIONS, half], () =>
      Float32Array.from({ length: MAX_POSITIONS * half }, (_, n) => {
        const angle = Math.floor(n / half) * this.s.ropeTheta ** (-(n % half) / half);
        return what === 'cos' ? Math.cos(angle) : Math.sin(angle);
      }),
    );
  }

  private skipNorm(x: string, y: string, weight: string): [string, string] {
    const { w, s } = this;
    const name = w.name('/SkipLayerNorm/output_0');
    const last = weight === 'model.norm.weight';
    const inputs = [x, y, this.floats(weight, [s.hiddenSize])];
    const attributes = { epsilon: { float: s.normEps } };
    const beside = this.form.form === 'skip-add';
    const sum = beside ? w.node('Add', [y, x]) : w.name('/SkipLayerNorm/output_3');
    const outputs = last || beside ? [name] : [name, '', '', sum];
    w.nodeTo('SkipSimplifiedLayerNormalization', inputs, outputs, attributes);
    return [name, sum];
  }
}

/** [rows, n] → [n, rows] */
export function transposed(values: Float32Array, rows: number): Float32Array {
  const columns = values.length / rows;
  const out = new Float32Array(values.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) out[j * rows + i] = values[i * columns + j] as number;
  return out;
}
