import { afterAll, beforeAll, expect, it } from 'vitest';
import { InputError } from '../base/errors';
import { SITES } from '../nn/attachments';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { relativeError } from '../train/tiny.testing';
import { type GoldenDecoder, openGolden } from './golden-decoder.testing';
import { logitLens } from './logit-lens';
import { hiddenOf, logitsOf, siteStateOf, topTokens } from './readout';
import type { DecodeSite } from './sites';

/** The same sums in another order, in float32. Measured 3e-7. */
const TOLERANCE = 2e-6;

let runtime: Runtime;
let golden: GoldenDecoder;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
  golden = await openGolden(runtime);
});
afterAll(async () => {
  await golden.dispose();
  await runtime.dispose();
});

const at = (site: (typeof SITES)[number], layer: number): DecodeSite => ({ site, layer });
const ALL = [1, 2].flatMap((layer) => SITES.map((site) => at(site, layer)));

it('reads the states that add up to a layer’s output, after the question and after a vector', async () => {
  const { H, B } = { H: golden.config.hiddenSize, B: golden.sizes.B };
  for (const state of [
    await golden.begin({ hidden: true, read: ALL }),
    await golden.end({ hidden: true, read: ALL }),
  ]) {
    const hidden = await hiddenOf(state);
    const layer = (l: number): number[] =>
      Array.from(
        { length: B * H },
        (_, i) => hidden[(Math.floor(i / H) * 2 + l - 1) * H + (i % H)] as number,
      );
    expect(await siteStateOf(state, at('residual', 1))).toEqual(Float32Array.from(layer(1)));
    expect(await siteStateOf(state, at('residual', 2))).toEqual(Float32Array.from(layer(2)));
    const [attention, mlp] = [
      await siteStateOf(state, at('attention.out', 2)),
      await siteStateOf(state, at('mlp.out', 2)),
    ];
    const sum = layer(1).map((x, i) => x + (attention[i] as number) + (mlp[i] as number));
    const weight = golden.golden.f32('weights.model.norm.weight');
    const normed = sum.map((x, i) => {
      const row = sum.slice(Math.floor(i / H) * H, (Math.floor(i / H) + 1) * H);
      const square = row.reduce((total, y) => total + y * y, 0) / H;
      return (x / Math.sqrt(square + 1e-6)) * (weight[i % H] as number);
    });
    expect(relativeError(layer(2), normed)).toBeLessThan(TOLERANCE);
    const shared = await siteStateOf(state, at('attention.in', 2));
    for (const site of ['q.in', 'k.in', 'v.in'] as const)
      expect(await siteStateOf(state, at(site, 2))).toEqual(shared);
    expect(relativeError(shared, await siteStateOf(state, at('mlp.in', 2)))).toBeGreaterThan(0.01);
    state.dispose();
  }
});

it('reads a site before its intervention, and later sites after it', async () => {
  const { decoder, golden: file, config } = golden;
  const H = config.hiddenSize;
  const [matrix, shift] = [file.f32('matrix'), file.f32('shift')];
  const interventions = [decoder.intervention(at('attention.in', 2), matrix, shift)];
  const state = await golden.end({}, { interventions, read: [at('attention.in', 2), at('k.in', 2)] });
  const before = await siteStateOf(state, at('attention.in', 2));
  const want = before.map((_, i) => {
    const [b, j] = [Math.floor(i / H), i % H];
    let sum = shift[j] as number;
    for (let k = 0; k < H; k++) sum += (before[b * H + k] as number) * (matrix[k * H + j] as number);
    return sum;
  });
  expect(relativeError(await siteStateOf(state, at('k.in', 2)), want)).toBeLessThan(TOLERANCE);
  await expect(siteStateOf(state, at('mlp.in', 1))).rejects.toBeInstanceOf(InputError);
  state.dispose();
});

it('gives the logit lens the head’s own output at the last layer, and head(norm(h)) before it', async () => {
  const { decoder, golden: file, config } = golden;
  const { hiddenSize: H, vocabSize: V, layers: L } = config;
  const state = await golden.end({ hidden: true });
  const lens = await logitLens(decoder, state, 4);
  const own = await topTokens(decoder, state, 4);
  const logits = await logitsOf(decoder, state);
  const hidden = await hiddenOf(state);
  const [norm, head] = [file.f32('weights.model.norm.weight'), file.f32('weights.lm_head.weight')];
  for (const [b, layers] of lens.entries()) {
    expect(layers).toHaveLength(L);
    expect(layers[L - 1]?.top.map(({ id }) => id)).toEqual(own[b]?.top.map(({ id }) => id));
    expect(layers[L - 1]?.entropy).toBeCloseTo(own[b]?.entropy as number, 5);
    expect(logits.length).toBe(lens.length * V);
    const h = hidden.subarray(b * L * H, b * L * H + H);
    const scale = 1 / Math.sqrt(h.reduce((sum, x) => sum + x * x, 0) / H + 1e-6);
    const scores = Array.from({ length: V }, (_, id) =>
      h.reduce((sum, x, i) => sum + x * scale * (norm[i] as number) * (head[id * H + i] as number), 0),
    );
    const total = scores.reduce((sum, x) => sum + Math.exp(x), 0);
    const ranked = scores.map((x, id) => ({ id, p: Math.exp(x) / total })).sort((x, y) => y.p - x.p);
    expect(layers[0]?.top.map(({ id }) => id)).toEqual(ranked.slice(0, 4).map(({ id }) => id));
    layers[0]?.top.forEach(({ probability }, i) => {
      expect(probability).toBeCloseTo(ranked[i]?.p as number, 5);
    });
    const entropy = -ranked.reduce((sum, { p }) => sum + p * Math.log(p), 0);
    expect(layers[0]?.entropy).toBeCloseTo(entropy, 4);
  }
  state.dispose();
});
