import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SITES, type Site } from '../nn/attachments';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { relativeError } from '../train/tiny.testing';
import type { StepOptions } from './decoder';
import { type GoldenDecoder, openGolden } from './golden-decoder.testing';
import { attentionOf, hiddenOf, logitsOf } from './readout';
import { identity } from './sites';

/** float32 against torch in float64, over two layers. Measured 4e-7. */
const TOLERANCE = 1e-5;
/**
 * At these sites the residual, and then the adapter's part, are normally added inside the product; with a
 * module in between, the product is summed first: the same float32 numbers in another order. Measured 2e-7.
 */
const ADDED_APART: readonly Site[] = ['attention.out', 'mlp.out'];
const ROUNDING = 1e-6;
const LAYERS = [1, 2];
const PLACES = SITES.flatMap((site) => LAYERS.map((layer) => ({ site, layer })));

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

async function seen(golden: GoldenDecoder, question: StepOptions, later = question) {
  const asked = { hidden: true, attention: true };
  const state = await golden.end({ ...question, ...asked }, { ...later, ...asked });
  const found = {
    hidden: await hiddenOf(state),
    attention: await attentionOf(state),
    logits: await logitsOf(golden.decoder, state),
  };
  state.dispose();
  return found;
}

describe.each(PLACES)('an intervention at $site of layer $layer', (at) => {
  let golden: GoldenDecoder;
  beforeAll(async () => {
    golden = await openGolden(runtime);
  });
  afterAll(() => golden.dispose());

  it.each(['all', 'after'])('agrees with torch: %s the columns (of the question)', async (where) => {
    const { golden: file, decoder, sizes, config } = golden;
    const interventions = [decoder.intervention(at, file.f32('matrix'), file.f32('shift'))];
    const { hidden, attention } = await seen(golden, where === 'all' ? { interventions } : {}, {
      interventions,
    });
    const want = (what: string) => file.tensor(`${at.site}.${at.layer}.${where}.${what}`).data;
    expect(relativeError(hidden, want('hidden'))).toBeLessThan(TOLERANCE);
    const columns = sizes.S + golden.inputs.length;
    const filled = attention.filter((_, i) => i % sizes.T < columns);
    expect(filled).toHaveLength(sizes.B * config.layers * config.heads * columns);
    expect(relativeError(filled, want('attention'))).toBeLessThan(TOLERANCE);
  });

  it('with the identity changes no bit, or only the order of one sum', async () => {
    const { decoder, config } = golden;
    const H = config.hiddenSize;
    const interventions = [decoder.intervention(at, identity(H), new Float32Array(H))];
    const [found, plain] = [await seen(golden, { interventions }), await seen(golden, {})];
    if (!ADDED_APART.includes(at.site)) return expect(found).toEqual(plain);
    for (const of of ['hidden', 'attention', 'logits'] as const)
      expect(relativeError(found[of], plain[of])).toBeLessThan(ROUNDING);
  });
});

describe('a map to zero', () => {
  const prefix = 'model.layers.1.';
  const CASES = [
    { site: 'attention.out', weights: ['self_attn.o_proj.weight'] },
    { site: 'mlp.out', weights: ['mlp.down_proj.weight'] },
    { site: 'mlp.in', weights: ['mlp.up_proj.weight'] },
  ] as const;

  it.each(CASES)(
    'at $site equals a layer without that part: $weights are zero',
    async ({ site, weights }) => {
      const golden = await openGolden(runtime, { adapted: false });
      const without = await openGolden(runtime, {
        adapted: false,
        scales: Object.fromEntries(weights.map((name) => [prefix + name, 0])),
      });
      const H = golden.config.hiddenSize;
      const at = { site, layer: 2 } as const;
      const zero = golden.decoder.intervention(at, new Float32Array(H * H), new Float32Array(H));
      const found = await seen(golden, { interventions: [zero] });
      expect(found).toEqual(await seen(without, {}));
      expect(relativeError(found.hidden, (await seen(golden, {})).hidden)).toBeGreaterThan(0.01);
      await golden.dispose();
      await without.dispose();
    },
  );

  it('before k spreads attention evenly over the visible columns if keys have no bias', async () => {
    const scales = { [`${prefix}self_attn.k_proj.bias`]: 0 };
    const golden = await openGolden(runtime, { adapted: false, scales });
    const { B, S, T } = golden.sizes;
    const { layers: L, heads, hiddenSize: H } = golden.config;
    const at = { site: 'k.in', layer: 2 } as const;
    const zero = golden.decoder.intervention(at, new Float32Array(H * H), new Float32Array(H));
    const { attention } = await seen(golden, { interventions: [zero] });
    const filled = S + golden.inputs.length;
    for (let b = 0; b < B; b++) {
      const hidden = (column: number): boolean => golden.isPadding(b, column) || column >= filled;
      const count = Array.from({ length: T }, (_, column) => column).filter((c) => !hidden(c)).length;
      for (let row = 0; row < heads * T; row++) {
        const weight = attention[((b * L + 1) * heads * T + row) as number];
        expect(weight).toBeCloseTo(hidden(row % T) ? 0 : 1 / count, 6);
      }
    }
    await golden.dispose();
  });
});

it('applies two sites in order: the second sees the first one’s output', async () => {
  const golden = await openGolden(runtime);
  const { decoder, golden: file, config } = golden;
  const H = config.hiddenSize;
  const [matrix, shift] = [file.f32('matrix'), file.f32('shift')];
  const first = decoder.intervention({ site: 'attention.in', layer: 1 }, matrix, shift);
  // q, k and v each mapped individually, as attention.in maps them together.
  const apart = (['q.in', 'k.in', 'v.in'] as const).map((site) =>
    decoder.intervention({ site, layer: 1 }, matrix, shift),
  );
  const once = await seen(golden, { interventions: [first] });
  expect((await seen(golden, { interventions: apart })).hidden).toEqual(once.hidden);
  // One after the other, the two are the composed map.
  const twice = Float32Array.from({ length: H * H }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < H; k++)
      sum += (matrix[Math.floor(at / H) * H + k] as number) * (matrix[k * H + (at % H)] as number);
    return sum;
  });
  const moved = shift.map((x, j) => {
    let sum = x;
    for (let k = 0; k < H; k++) sum += (shift[k] as number) * (matrix[k * H + j] as number);
    return sum;
  });
  const joined = decoder.intervention({ site: 'attention.in', layer: 1 }, twice, moved);
  const both = await seen(golden, { interventions: [...apart, first] });
  const one = await seen(golden, { interventions: [joined] });
  expect(relativeError(both.hidden, one.hidden)).toBeLessThan(TOLERANCE);
  expect(relativeError(both.hidden, once.hidden)).toBeGreaterThan(0.01);
  await golden.dispose();
});

it('refuses an unknown layer at any site', async () => {
  const golden = await openGolden(runtime);
  const { decoder, config } = golden;
  const H = config.hiddenSize;
  for (const layer of [0, config.layers + 1, 1.5])
    for (const site of SITES)
      expect(() => decoder.intervention({ site, layer }, identity(H), new Float32Array(H))).toThrow(
        `layer ${layer}; the model has layers 1 to ${config.layers}`,
      );
  await golden.dispose();
});
