import { describe, expect, it } from 'vitest';
import { Rng } from '../../base/rng';
import { type LlamaForm, type LlamaSizes, llamaExport } from './exports.testing';
import { Flow } from './flow';
import { readOnnxModel } from './model';
import { findResiduals } from './residuals';
import { OWN_FILE, tappedModel } from './tap';
import { ExportWriter, F32, I64 } from './write.testing';

const SIZES: LlamaSizes = {
  layers: 3,
  hiddenSize: 32,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  intermediateSize: 64,
  vocabSize: 50,
  normEps: 1e-5,
  ropeTheta: 10000,
  attentionBias: false,
};

function tensors({ layers, hiddenSize: H, kvHeads, headDim, intermediateSize: I, vocabSize: V }: LlamaSizes) {
  const rng = new Rng(1);
  const out = new Map<string, Float32Array>();
  const put = (name: string, size: number) =>
    out.set(
      name,
      Float32Array.from({ length: size }, () => rng.normal()),
    );
  put('model.embed_tokens.weight', V * H);
  for (let i = 0; i < layers; i++) {
    const at = `model.layers.${i}`;
    for (const norm of ['input_layernorm', 'post_attention_layernorm']) put(`${at}.${norm}.weight`, H);
    for (const [name, size] of [
      ['self_attn.q_proj', H * H],
      ['self_attn.k_proj', kvHeads * headDim * H],
      ['self_attn.v_proj', kvHeads * headDim * H],
      ['self_attn.o_proj', H * H],
      ['mlp.gate_proj', I * H],
      ['mlp.up_proj', I * H],
      ['mlp.down_proj', I * H],
    ] as const)
      put(`${at}.${name}.weight`, size);
  }
  put('model.norm.weight', H);
  return out;
}

const source = (bytes: Uint8Array<ArrayBuffer>) => ({
  size: bytes.length,
  read: async (from: number, length: number) => {
    if (!(from >= 0 && length >= 0 && from + length <= bytes.length)) throw new RangeError('outside');
    return bytes.slice(from, from + length);
  },
});

const FORMS: [string, LlamaForm][] = [
  ['decomposed', { form: 'decomposed' }],
  ['decomposed, float16', { form: 'decomposed', halves: true }],
  ['decomposed, int8', { form: 'decomposed', linears: 'int8' }],
  ['genai', { form: 'genai' }],
  ['genai, rotating inside', { form: 'genai', doRotary: true }],
  ['genai, 4 bits', { form: 'genai', linears: 'q4' }],
  ['the sum beside the norm', { form: 'skip-add', linears: 'q4', halves: true }],
  ['the last position alone', { form: 'decomposed', lastOnly: true }],
];

describe('a decoder’s hidden states', () => {
  it.each(FORMS)('are found in the form: %s', async (_, form) => {
    for (const opaque of [false, true]) {
      const { model } = llamaExport(SIZES, tensors(SIZES), { ...form, opaque, externalFrom: 2000 });
      const read = await readOnnxModel(source(model));
      const { taps, layers, caches } = findResiduals(read);
      expect(layers).toBe(3);
      expect(taps.length).toBe(4);
      expect(new Set(taps).size).toBe(4);
      expect(caches[2]?.past?.key.dims).toEqual(['batch_size', 2, 'past_sequence_length', 8]);
      const made = taps.map((tap) => read.nodes.find(({ outputs }) => outputs.includes(tap))?.op);
      expect(made[0]).toBe('Gather');
      const sum = form.form === 'genai' ? 'SkipSimplifiedLayerNormalization' : 'Add';
      expect(made.slice(1, 3)).toEqual([sum, sum]);
      expect(made[3]).toBe(form.form === 'decomposed' ? 'Mul' : 'SkipSimplifiedLayerNormalization');
    }
  });

  it('are found under the names that transformers exports them with itself', async () => {
    const { model } = llamaExport(SIZES, tensors(SIZES), { form: 'decomposed' });
    const read = await readOnnxModel(source(model));
    const renamed = (past: string, present: string) => {
      const own = (name: string): string =>
        name
          .replace(/^past_key_values\.(\d)\.(\w+)$/, `${past}past_key_values.layers.$1.$2s`)
          .replace(/^present\.(\d)\.(\w+)$/, `${present}past_key_values.layers.$1.$2s`);
      const named = <T extends { readonly name: string }>(all: readonly T[]): T[] =>
        all.map((one) => ({ ...one, name: own(one.name) }));
      const nodes = read.nodes.map((node) => ({
        ...node,
        inputs: node.inputs.map(own),
        outputs: node.outputs.map(own),
      }));
      return { ...read, nodes, inputs: named(read.inputs), outputs: named(read.outputs) };
    };
    const both = findResiduals(renamed('input.', 'output.'));
    expect(both.taps).toEqual(findResiduals(read).taps);
    expect(both.caches[2]).toMatchObject({
      past: { key: { name: 'input.past_key_values.layers.2.keys' } },
      present: { value: 'output.past_key_values.layers.2.values' },
    });
    // Without inputs of these names the outputs have no prefix.
    const { inputs, ...rest } = renamed('input.', '');
    const first = findResiduals({ ...rest, inputs: inputs.filter(({ name }) => !name.includes('layers')) });
    expect(first.caches[0]).toMatchObject({
      past: undefined,
      present: { key: 'past_key_values.layers.0.keys' },
    });
  });

  it('come with keys and values that are fed back, unless their types differ', async () => {
    const { model } = llamaExport(SIZES, tensors(SIZES), { form: 'decomposed' });
    const read = await readOnnxModel(source(model));
    const of = (element: number): boolean[] => {
      const outputs = read.outputs.map((one) => (one.name === 'present.1.value' ? { ...one, element } : one));
      return findResiduals({ ...read, outputs }).caches.map(({ goesBack }) => goesBack);
    };
    expect(of(F32)).toEqual([true, true, true]);
    // 0: the file does not tell.
    expect(of(0)).toEqual([true, true, true]);
    expect(of(10)).toEqual([true, false, true]);
  });

  it('weights are told by their places, and named as bytes of the file itself once tapped', async () => {
    const { model, data } = llamaExport(SIZES, tensors(SIZES), { form: 'decomposed', externalFrom: 8192 });
    const read = await readOnnxModel(source(model));
    const inline = read.tensors.get('model.layers.0.self_attn.q_proj.MatMul.weight');
    expect(inline).toMatchObject({ element: F32, dims: [32, 32], data: { in: 'file' } });
    const other = read.tensors.get('model.layers.1.mlp.up_proj.MatMul.weight');
    expect(other).toMatchObject({ dims: [32, 64], data: { in: 'other', location: 'model.onnx_data' } });
    expect(data?.length).toBeGreaterThan(8192);
    const tapped = await tappedModel(read, ['x', 'y', 'x']);
    const again = await readOnnxModel(source(tapped));
    expect(again.nodes).toEqual(read.nodes);
    expect(again.inputs).toEqual(read.inputs);
    expect(again.outputs.map(({ name }) => name)).toEqual([
      ...read.outputs.map(({ name }) => name),
      'x',
      'y',
    ]);
    if (inline?.data.in !== 'file') throw new Error('not in the file');
    const { from, to } = inline.data;
    expect(again.tensors.get(inline.name)?.data).toEqual({
      in: 'other',
      location: OWN_FILE,
      offset: from,
      length: to - from,
    });
    expect([...again.tensors.keys()].sort()).toEqual([...read.tensors.keys()].sort());
  });
});

describe('what everything goes through', () => {
  const nodes = (...list: [op: string, inputs: string, outputs: string][]) => ({
    nodes: list.map(([op, inputs, outputs]) => ({
      op,
      domain: '',
      inputs: inputs.split(' '),
      outputs: outputs.split(' '),
      captured: [],
      integers: {},
    })),
  });
  const cuts = (...list: [string, string, string][]) => new Flow(nodes(...list)).cuts('x', 'y').values;

  it('has no value that another way leads past, by whatever number of steps', () => {
    expect(cuts(['Tanh', 'x', 'a'], ['Add', 'x a', 'y'])).toEqual(['x', 'y']);
    expect(cuts(['Tanh', 'x', 'a'], ['Abs', 'a', 'b'], ['Add', 'b a', 'y'])).toEqual(['x', 'a', 'y']);
    expect(cuts(['Abs', 'x', 'a'], ['Neg', 'x', 'b'], ['Add', 'a b', 'c'], ['Neg', 'c', 'y'])).toEqual([
      'x',
      'c',
      'y',
    ]);
  });

  it('is neither a size nor what leads nowhere, and may be inside a node', () => {
    expect(cuts(['Shape', 'x', 's'], ['Tanh', 'x', 'a'], ['Reshape', 'a s', 'y'])).toEqual(['x', 'a', 'y']);
    expect(cuts(['Tanh', 'x', 'a'], ['Neg', 'x', 'nowhere'], ['Neg', 'a', 'y'])).toEqual(['x', 'a', 'y']);
    expect(cuts(['Split', 'x', 'a b'], ['Add', 'a b', 'y'])).toEqual(['x', undefined, 'y']);
    expect(cuts(['Neg', 'z', 'y'])).toEqual([]);
  });
});

/** x → layers of `block`, with an interface of `layers` layers. */
function decoder(layers: number, block: (w: ExportWriter, x: string, i: number) => string) {
  const w = new ExportWriter();
  const ids = w.input('input_ids', I64, ['b', 's']);
  const E = w.floats('embedding', F32, [5, 4], () => new Float32Array(20));
  let x = w.node('Gather', [E, ids]);
  for (let i = 0; i < layers; i++) {
    for (const what of ['key', 'value']) w.output(`present.${i}.${what}`, F32, ['b', 1, 's', 4]);
    x = block(w, x, i);
  }
  w.output('logits', F32, ['b', 's', 5]);
  const H = w.floats('head', F32, [4, 5], () => new Float32Array(20));
  w.nodeTo('MatMul', [w.node('Relu', [x]), H], ['logits']);
  return readOnnxModel(source(w.finish().model));
}

const keys = (w: ExportWriter, x: string, i: number): void => {
  w.nodeTo('Neg', [x], [`present.${i}.key`]);
  w.nodeTo('Abs', [x], [`present.${i}.value`]);
};

describe('an export that is no such decoder is refused by name', () => {
  const plain = (w: ExportWriter, x: string, i: number): string => {
    keys(w, x, i);
    return w.node('Add', [x, w.node('Tanh', [x])]);
  };
  it('and one with the smallest blocks is read', async () => {
    expect(findResiduals(await decoder(2, plain)).taps.length).toBe(3);
  });

  it('layers that read what was computed before the layer below them', async () => {
    let first = '';
    const model = await decoder(2, (w, x, i) => {
      first ||= x;
      keys(w, first, i);
      return w.node('Add', [x, w.node('Tanh', [x])]);
    });
    expect(() => findResiduals(model)).toThrow(/what layer 2 reads is not one value .*\(2 values for 3\)/);
  });

  it('a stream that goes past a layer', async () => {
    let first = '';
    const model = await decoder(2, (w, x, i) => {
      first ||= x;
      keys(w, x, i);
      return w.node('Add', [first, w.node('Tanh', [x])]);
    });
    // Layer 2 reads the sum of both; what layer 3 would read depends on the first again.
    expect(() => findResiduals(model)).toThrow(/is not one value/);
  });

  it('no cache, no head, other inputs, two graphs in one', async () => {
    const without = await decoder(0, plain);
    expect(() => findResiduals(without)).toThrow('no outputs present.0.key');
    const model = await decoder(1, plain);
    const changed = (change: object) => findResiduals({ ...model, ...change });
    const more = (name: string) => ({ inputs: [...model.inputs, { name, element: F32, dims: [] }] });
    expect(() => changed(more('pixel_values'))).toThrow('it takes "pixel_values"');
    for (const name of ['use_cache_branch', 'use_cache'])
      expect(() => changed(more(name))).toThrow(`two graphs in one (${name})`);
    expect(() => changed(more('past_key_values.0.key'))).toThrow('keys and values of 0 layers');
    const nodes = model.nodes.map((n) => (n.op === 'MatMul' ? { ...n, op: 'Einsum' } : n));
    expect(() => changed({ nodes })).toThrow('no product with the head’s weights');
    expect(() => changed({ nodes: model.nodes.filter(({ op }) => op !== 'Gather') })).toThrow(
      '0 tables are looked up',
    );
    const twice = [...model.nodes, model.nodes[0]];
    expect(() => changed({ nodes: twice })).toThrow('twice');
    const circle = model.nodes.map((n) => (n.op === 'Tanh' ? { ...n, inputs: [...n.inputs, 'logits'] } : n));
    expect(() => changed({ nodes: circle })).toThrow('round in a circle');
  });
});

describe('a large file', () => {
  it('of more than 4 GB is read by its graph alone, and tapped without its weights', async () => {
    const { Message } = await import('../proto');
    const weight = 5 * 2 ** 30;
    // A weight of 5 GB between two parts of a decoder, as it would be if protobuf had no limit.
    const { model } = llamaExport(SIZES, tensors(SIZES), { form: 'genai' });
    const graph = (await import('./wire')).fields(model);
    const parts = [...graph].map(({ number, start, to, from }) => ({ number, start, to, from }));
    const body = parts.find(({ number }) => number === 7);
    if (!body) throw new Error('no graph');
    const tensor = new Message()
      .integer(1, weight / 4)
      .integer(2, F32)
      .string(8, 'huge');
    const head = new Message().raw(tensor.finish()).finish();
    const rawHeader = varints(9 * 8 + 2, weight);
    const tensorHeader = varints(5 * 8 + 2, head.length + rawHeader.length + weight);
    const graphBytes = model.slice(body.from, body.to);
    const before = concat(
      model.slice(0, body.start),
      varints(7 * 8 + 2, graphBytes.length + tensorHeader.length + head.length + rawHeader.length + weight),
      graphBytes,
      tensorHeader,
      head,
      rawHeader,
    );
    const after = model.slice(body.to);
    const size = before.length + weight + after.length;
    let asked = 0;
    const huge = {
      size,
      read: async (from: number, length: number) => {
        asked += length;
        const out = new Uint8Array(length);
        for (let i = 0; i < length; i++) {
          const at = from + i;
          if (at < before.length) out[i] = before[at] as number;
          else if (at >= before.length + weight) out[i] = after[at - before.length - weight] as number;
        }
        return out;
      },
    };
    const read = await readOnnxModel(huge);
    expect(read.tensors.get('huge')?.data).toEqual({
      in: 'file',
      from: before.length,
      to: before.length + weight,
    });
    expect(findResiduals(read).taps.length).toBe(4);
    const tapped = await readOnnxModel(source(await tappedModel(read, ['x'])));
    expect(tapped.tensors.get('huge')?.data).toMatchObject({
      in: 'other',
      offset: before.length,
      length: weight,
    });
    expect(asked).toBeLessThan(2e6);
  });
});

const concat = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

function varints(...values: number[]): Uint8Array {
  const out: number[] = [];
  for (let value of values) {
    for (; value > 127; value = Math.floor(value / 128)) out.push((value % 128) + 128);
    out.push(value);
  }
  return Uint8Array.from(out);
}

describe('a file that is damaged', () => {
  it('is refused with a typed error, in little time and memory, whatever was changed', async () => {
    const { model } = llamaExport({ ...SIZES, layers: 1 }, tensors(SIZES), { form: 'genai' });
    const rng = new Rng(3);
    let refused = 0;
    for (let n = 0; n < 1500; n++) {
      let bytes = model.slice();
      for (let k = 0; k <= n % 4; k++) bytes[rng.integer(0, bytes.length - 1)] = rng.integer(0, 255);
      if (n % 5 === 0) bytes = bytes.slice(0, rng.integer(0, bytes.length - 1));
      try {
        const read = await readOnnxModel(source(bytes));
        findResiduals(read);
        await tappedModel(read, ['x']);
      } catch (error) {
        refused++;
        expect(error).toMatchObject({ code: expect.stringMatching(/^(file|config)$/) });
        expect((error as { hint: string }).hint.length).toBeGreaterThan(20);
      }
    }
    expect(refused).toBeGreaterThan(300);
  });

  const bad: [string, number[], RegExp][] = [
    ['nothing', [], /no graph/],
    ['a web page', [...new TextEncoder().encode('<!doctype html><html>')], /ONNX file/],
    [
      'a length beyond the file',
      [0x3a, 0xff, 0xff, 0xff, 0xff, 0x7f],
      /34359738367 bytes .* where 6 are left/,
    ],
    ['a number without an end', [0x08, ...new Array<number>(12).fill(0xff)], /field number|number/],
    ['a negative length', [0x3a, ...new Array<number>(9).fill(0xff), 0x01], /-1 bytes/],
    ['two graphs', [0x3a, 0, 0x3a, 0], /two graphs/],
  ];
  it.each(bad)('%s', async (_, bytes, message) => {
    await expect(readOnnxModel(source(Uint8Array.from(bytes)))).rejects.toThrow(message);
    await expect(readOnnxModel(source(Uint8Array.from(bytes)))).rejects.toMatchObject({ code: 'file' });
  });

  it('graphs in graphs beyond measure, and a weight outside the folder', async () => {
    const { Message } = await import('../proto');
    let graph = new Message();
    for (let i = 0; i < 5000; i++)
      graph = new Message().message(1, new Message().message(5, new Message().message(6, graph)));
    const deep = new Message().message(7, graph).finish();
    await expect(readOnnxModel(source(deep))).rejects.toThrow('nested deeper than 8');
    const { model } = llamaExport(SIZES, tensors(SIZES), { form: 'genai', externalFrom: 100 });
    const at = new TextDecoder('latin1').decode(model).indexOf('model.onnx_data');
    model.set(new TextEncoder().encode('../../etc/passw'), at);
    await expect(readOnnxModel(source(model))).rejects.toThrow(/lie in "..\/..\/etc\/passw"/);
  });
});
