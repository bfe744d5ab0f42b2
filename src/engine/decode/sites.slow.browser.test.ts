import { expect, it } from 'vitest';
import { Rng } from '../base/rng';
import { SITES } from '../nn/attachments';
import { bothProviders } from '../testing/providers.testing';
import { normals, relativeError } from '../train/tiny.testing';
import type { StepOptions } from './decoder';
import { type GoldenDecoder, openGolden } from './golden-decoder.testing';
import { attentionOf, hiddenOf } from './readout';
import { keysAndValuesOf } from './readout.testing';

/** float32 on two providers, over two layers. */
const TOLERANCE = 1e-5;
const ASKED = { hidden: true, attention: true };

const providers = bothProviders();

/** Hidden states, attention weights and the last layer's keys and values, after the question and all that is fed. */
async function seen(golden: GoldenDecoder, options: StepOptions): Promise<Float32Array[]> {
  const state = await golden.end({ ...options, ...ASKED });
  const { keys, values } = await keysAndValuesOf(golden.decoder, state, golden.config.layers);
  const found = [await hiddenOf(state), await attentionOf(state), keys, values];
  state.dispose();
  return found;
}

/** A different map at every site of every layer at once. */
const mapsAtAllSites = ({ decoder, config }: GoldenDecoder) => {
  const { layers: L, hiddenSize: H } = config;
  return SITES.flatMap((site, i) =>
    Array.from({ length: L }, (_, layer) => {
      const rng = new Rng(i * L + layer);
      return decoder.intervention(
        { site, layer: layer + 1 },
        normals(rng, H * H, 0.9 / Math.sqrt(H)),
        normals(rng, H, 0.3),
      );
    }),
  );
};

it('gives the same readouts and interventions on WebGPU as on WASM', async () => {
  const before = [providers.device.liveBuffers, providers.gpu.liveTensors];
  const [one, other] = [await openGolden(providers.gpu), await openGolden(providers.cpu)];
  const plain = await seen(one, {});
  expect(relativeError(plain[0] ?? [], one.golden.tensor('hidden').data)).toBeLessThan(TOLERANCE);
  const mapped = await seen(one, { interventions: mapsAtAllSites(one) });
  expect(relativeError(mapped[0] ?? [], plain[0] ?? [])).toBeGreaterThan(0.1);
  const wanted = [await seen(other, {}), await seen(other, { interventions: mapsAtAllSites(other) })];
  for (const [t, found] of [plain, mapped].entries())
    found.forEach((values, i) => {
      expect(relativeError(values, wanted[t]?.[i] ?? [])).toBeLessThan(TOLERANCE);
    });
  await one.dispose();
  await other.dispose();
  expect([providers.device.liveBuffers, providers.gpu.liveTensors]).toEqual(before);
});
