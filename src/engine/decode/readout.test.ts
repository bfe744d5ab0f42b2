import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { InputError } from '../base/errors';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { relativeError } from '../train/tiny.testing';
import { type GoldenDecoder, openGolden } from './golden-decoder.testing';
import { attentionOf, hiddenOf, logitsOf } from './readout';
import { keysAndValuesOf } from './readout.testing';
import type { DecoderState } from './state';

/** float32 against torch in float64, over two layers. Measured 4e-7. */
const TOLERANCE = 1e-5;

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

/** Pads rows of `width` values with zeros up to `to` columns. */
const padded = (values: ArrayLike<number>, width: number, to: number): number[] =>
  Array.from({ length: (values.length / width) * to }, (_, i) =>
    i % to < width ? (values[Math.floor(i / to) * width + (i % to)] as number) : 0,
  );

async function states(): Promise<DecoderState[]> {
  const all = [await golden.begin({ attention: true, hidden: true })];
  for (const input of golden.inputs)
    all.push(
      await golden.decoder.advance(all.at(-1) as DecoderState, input, { attention: true, hidden: true }),
    );
  return all;
}

describe('attention weights of the last position', () => {
  it('agree with torch after the question, a token and a vector, and are 0 at columns not yet filled', async () => {
    const { S, T } = golden.sizes;
    const all = await states();
    for (const [t, state] of all.entries()) {
      const want = padded(golden.golden.tensor(`attention.${t}`).data, S + t, T);
      const found = await attentionOf(state);
      expect(relativeError(found, want), `column ${S + t}`).toBeLessThan(TOLERANCE);
      state.dispose();
    }
  });

  it('sum to 1 over the visible columns, and are 0 at padding', async () => {
    const { B, T } = golden.sizes;
    const { layers: L, heads } = golden.config;
    const all = await states();
    let pads = 0;
    for (const state of all) {
      const found = await attentionOf(state);
      expect(found).toHaveLength(B * L * heads * T);
      for (let row = 0; row < B * L * heads; row++) {
        const b = Math.floor(row / (L * heads));
        const weights = found.subarray(row * T, (row + 1) * T);
        // A float32 sum of eight numbers of at most 1.
        expect(weights.reduce((sum, x) => sum + x, 0)).toBeCloseTo(1, 6);
        weights.forEach((x, column) => {
          const hidden = golden.isPadding(b, column) || column >= state.column;
          if (hidden) pads++;
          expect(x > 0, `column ${column} of sequence ${b}`).toBe(!hidden);
          expect(x).toBeGreaterThanOrEqual(0);
        });
      }
      state.dispose();
    }
    expect(pads).toBeGreaterThan(0);
  });

  it('cost nothing unless requested, and change no bit if they are', async () => {
    const compile = vi.spyOn(runtime, 'compile');
    const plain = await golden.end({ hidden: true });
    for (const [{ outputs }] of compile.mock.calls) expect(outputs).not.toHaveProperty('attention');
    compile.mockRestore();
    const asked = await golden.end({ hidden: true, attention: true });
    expect(asked.bytes).toBeGreaterThan(plain.bytes);
    expect(await hiddenOf(asked)).toEqual(await hiddenOf(plain));
    expect(await logitsOf(golden.decoder, asked)).toEqual(await logitsOf(golden.decoder, plain));
    await expect(attentionOf(plain)).rejects.toThrow(InputError);
    await expect(attentionOf(plain)).rejects.toThrow('the attention weights of this step were not kept');
    plain.dispose();
    asked.dispose();
  });
});

describe('keys and values of a layer', () => {
  it('agree with torch at every visible column, and are zero at columns not yet filled', async () => {
    const { B, S, T } = golden.sizes;
    const { kvHeads, headDim: d, layers: L } = golden.config;
    const columns = S + golden.inputs.length;
    const state = await golden.end({});
    for (let layer = 1; layer <= L; layer++) {
      const read = await keysAndValuesOf(golden.decoder, state, layer);
      for (const what of ['keys', 'values'] as const) {
        const found: number[] = [];
        const want: number[] = [];
        const all = golden.golden.tensor(what).data;
        for (let row = 0; row < B * kvHeads * T; row++) {
          const [head, column] = [Math.floor(row / T), row % T];
          const own = Array.from(read[what].subarray(row * d, (row + 1) * d));
          if (golden.isPadding(Math.floor(head / kvHeads), column)) continue;
          found.push(...own);
          const at = (((layer - 1) * B * kvHeads + head) * columns + column) * d;
          want.push(...(column < columns ? all.subarray(at, at + d) : new Array<number>(d).fill(0)));
        }
        expect(relativeError(found, want), `${what} of layer ${layer}`).toBeLessThan(TOLERANCE);
      }
    }
    for (const layer of [0, L + 1, 1.5])
      await expect(keysAndValuesOf(golden.decoder, state, layer)).rejects.toThrow(
        `layer ${layer}; the model`,
      );
    state.dispose();
  });
});

it('hidden states of all layers agree with torch', async () => {
  const state = await golden.end({ hidden: true });
  expect(relativeError(await hiddenOf(state), golden.golden.tensor('hidden').data)).toBeLessThan(TOLERANCE);
  state.dispose();
});
