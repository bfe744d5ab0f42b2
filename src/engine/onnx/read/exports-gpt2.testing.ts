/** GPT-2 in the forms that published ONNX exports have. Weights by their Hugging Face names. */
import { BOOL, type Export, type ExportOptions, ExportWriter, F32, I64 } from './write.testing';

export interface Gpt2Sizes {
  readonly layers: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly vocabSize: number;
  readonly maxPositions: number;
  readonly normEps: number;
}

export interface Gpt2Form extends ExportOptions {
  /** `parts`: of single operations. `skip`: SkipLayerNormalization, joined with the sum before it. */
  readonly norms: 'parts' | 'whole' | 'skip';
}

export function gpt2Export(
  sizes: Gpt2Sizes,
  tensors: ReadonlyMap<string, Float32Array>,
  form: Gpt2Form,
): Export {
  return new Gpt2Export(sizes, tensors, form).write();
}

class Gpt2Export {
  private readonly w: ExportWriter;

  constructor(
    private readonly s: Gpt2Sizes,
    private readonly tensors: ReadonlyMap<string, Float32Array>,
    private readonly form: Gpt2Form,
  ) {
    this.w = new ExportWriter(form);
  }

  write(): Export {
    const { w, s } = this;
    const d = s.hiddenSize / s.heads;
    const ids = w.input('input_ids', I64, ['batch_size', 'sequence_length']);
    const mask = w.input('attention_mask', I64, ['batch_size', 'past_sequence_length + sequence_length']);
    const positions = w.input('position_ids', I64, ['batch_size', 'sequence_length']);
    const cache = ['batch_size', s.heads, 'past_sequence_length', d] as const;
    for (let i = 0; i < s.layers; i++)
      for (const what of ['key', 'value']) {
        w.input(`past_key_values.${i}.${what}`, F32, cache);
        w.output(`present.${i}.${what}`, F32, cache);
      }
    w.output('logits', F32, ['batch_size', 'sequence_length', s.vocabSize]);
    const wte = w.node('Gather', [this.floats('wte.weight', [s.vocabSize, s.hiddenSize]), ids]);
    const wpe = w.node('Gather', [this.floats('wpe.weight', [s.maxPositions, s.hiddenSize]), positions]);
    const bias = this.causalBias(ids, mask);
    let x = w.node('Add', [wte, wpe]);
    let n = this.norm(x, 'h.0.ln_1');
    for (let i = 0; i < s.layers; i++) {
      [n, x] = this.summed(x, this.attention(n, i, bias), `h.${i}.ln_2`);
      const next = i + 1 < s.layers ? `h.${i + 1}.ln_1` : 'ln_f';
      [n, x] = this.summed(x, this.mlp(n, `h.${i}.mlp`), next);
    }
    const head = w.node('Transpose', [this.floats('wte.weight', [s.vocabSize, s.hiddenSize])], {
      perm: [1, 0],
    });
    w.nodeTo('MatMul', [n, head], ['logits']);
    return w.finish();
  }

  private floats(name: string, dims: readonly number[]): string {
    const values = this.tensors.get(`transformer.${name}`);
    if (!values) throw new Error(`no ${name}`);
    return this.w.floats(`transformer.${name}`, F32, dims, () => values);
  }

  private attention(n: string, layer: number, bias: string): string {
    const { w, s } = this;
    const H = s.hiddenSize;
    const at = `h.${layer}.attn`;
    const parts = ['q', 'k', 'v'].map((what) => w.name(`/${at}/Split_${what}`));
    w.nodeTo('Split', [this.conv1d(n, `${at}.c_attn`, H, 3 * H), w.ints(H, H, H)], parts, { axis: 2 });
    const [q, k, v] = parts.map((part) =>
      w.node('Transpose', [w.node('Reshape', [part, w.ints(0, 0, s.heads, H / s.heads)])], {
        perm: [0, 2, 1, 3],
      }),
    ) as [string, string, string];
    const [key, value] = [`present.${layer}.key`, `present.${layer}.value`];
    w.nodeTo('Concat', [`past_key_values.${layer}.key`, k], [key], { axis: -2 });
    w.nodeTo('Concat', [`past_key_values.${layer}.value`, v], [value], { axis: -2 });
    const products = w.node('MatMul', [q, w.node('Transpose', [key], { perm: [0, 1, 3, 2] })]);
    const scores = w.node('Div', [products, w.scalar(Math.sqrt(H / s.heads))]);
    const weights = w.node('Softmax', [w.node('Add', [scores, bias])], { axis: -1 });
    const mixed = w.node('Transpose', [w.node('MatMul', [weights, value])], { perm: [0, 2, 1, 3] });
    return this.conv1d(w.node('Reshape', [mixed, w.ints(0, 0, H)]), `${at}.c_proj`, H, H);
  }

  private mlp(n: string, at: string): string {
    const { w, s } = this;
    const h = this.conv1d(n, `${at}.c_fc`, s.hiddenSize, s.intermediateSize);
    const cube = w.node('Mul', [w.node('Pow', [h, w.scalar(3)]), w.scalar(0.044715)]);
    const inner = w.node('Mul', [w.node('Add', [h, cube]), w.scalar(Math.sqrt(2 / Math.PI))]);
    const gate = w.node('Add', [w.node('Tanh', [inner]), w.scalar(1)]);
    const gelu = w.node('Mul', [w.node('Mul', [h, w.scalar(0.5)]), gate]);
    return this.conv1d(gelu, `${at}.c_proj`, s.intermediateSize, s.hiddenSize);
  }

  /** As a Gemm over rows, which the exporter makes of addmm. */
  private conv1d(x: string, name: string, inputs: number, outputs: number): string {
    const { w } = this;
    const shape = w.node('Shape', [x]);
    const size = (i: number): string => w.node('Gather', [shape, w.ints(i)], { axis: 0 });
    const rows = w.node('Reshape', [x, w.ints(-1, inputs)]);
    const y = w.node('Gemm', [
      rows,
      this.floats(`${name}.weight`, [inputs, outputs]),
      this.floats(`${name}.bias`, [outputs]),
    ]);
    return w.node('Reshape', [y, w.node('Concat', [size(0), size(1), w.ints(outputs)], { axis: 0 })]);
  }

  /** [norm of x + y, x + y] */
  private summed(x: string, y: string, norm: string): [string, string] {
    const { w } = this;
    if (this.form.norms !== 'skip') {
      const sum = w.node('Add', [y, x]);
      return [this.norm(sum, norm), sum];
    }
    const [out, sum] = [w.name(`/${norm}/output`), w.name(`/${norm}/sum`)];
    const outputs = norm === 'ln_f' ? [out] : [out, '', '', sum];
    w.nodeTo('SkipLayerNormalization', [x, y, ...this.normWeights(norm)], outputs, {
      epsilon: { float: this.s.normEps },
    });
    return [out, sum];
  }

  private normWeights(name: string): string[] {
    return ['weight', 'bias'].map((what) => this.floats(`${name}.${what}`, [this.s.hiddenSize]));
  }

  private norm(x: string, name: string): string {
    const { w, s } = this;
    const [weight, bias] = this.normWeights(name) as [string, string];
    if (this.form.norms !== 'parts')
      return w.node('LayerNormalization', [x, weight, bias], { axis: -1, epsilon: { float: s.normEps } });
    const mean = (y: string): string => w.node('ReduceMean', [y], { axes: [-1], keepdims: 1 });
    const centred = w.node('Sub', [x, mean(x)]);
    const variance = mean(w.node('Pow', [centred, w.scalar(2)]));
    const root = w.node('Sqrt', [w.node('Add', [variance, w.scalar(s.normEps)])]);
    return w.node('Add', [w.node('Mul', [w.node('Div', [centred, root]), weight]), bias]);
  }

  private causalBias(ids: string, mask: string): string {
    const { w } = this;
    const size = (x: string, axis: number): string =>
      w.node('Gather', [w.node('Shape', [x]), w.int(axis)], { axis: 0 });
    const past = size('past_key_values.0.key', 2);
    const total = w.node('Add', [past, size(ids, 1)]);
    const columns = w.node('Range', [w.int(0), total, w.int(1)]);
    const rows = w.node('Unsqueeze', [w.node('Range', [past, total, w.int(1)]), w.ints(1)]);
    const shown = w.node('Unsqueeze', [w.node('Cast', [mask], { to: BOOL }), w.ints(1, 2)]);
    const seen = w.node('And', [w.node('LessOrEqual', [columns, rows]), shown]);
    return w.node('Where', [seen, w.scalar(0), w.scalar(-3.4028234663852886e38)]);
  }
}
