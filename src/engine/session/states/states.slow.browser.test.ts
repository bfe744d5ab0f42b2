import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Subject } from '../../../contract/lens';
import { leftPad } from '../../data/batch';
import { Walk } from '../../decode/decoder.testing';
import { relativeError } from '../../train/tiny.testing';
import { leadingDirections, projectionOf } from '../causal/directions';
import type { DeviceModels } from '../models/device-models';
import { resolveSubject } from '../models/subjects';
import { decoderFor } from '../runs/student';
import { FEEDBACK, onBothProviders, TOLERANCE } from './both-providers.testing';
import { gatherStates, sequencesOf } from './states';

const STUDENT: Subject = { kind: 'student' };

let both: Awaited<ReturnType<typeof onBothProviders>>;
beforeAll(async () => {
  both = await onBothProviders();
});
afterAll(() => both.close());

it('gathers the same states in the latent pass on WebGPU as on WASM', async () => {
  const sequences = sequencesOf({ kind: 'problems', seed: 2, samples: 2 }, both.loaded);
  const [a, b] = await Promise.all(
    [both.gpu, both.cpu].map((models) =>
      gatherStates(models, resolveSubject(STUDENT, both.loaded), sequences, ['latent', 'answer']),
    ),
  );
  for (const [i, sample] of (a?.samples ?? []).entries())
    expect(relativeError(sample.states, b?.samples[i]?.states ?? [])).toBeLessThan(TOLERANCE);
  expect(a?.samples.length).toBe(2);
});

it('steps a projected decoder on WebGPU as on WASM', async () => {
  const { gpu, cpu, loaded } = both;
  const { model, parameters, reasoning, packs } = resolveSubject(STUDENT, loaded);
  const sequences = sequencesOf({ kind: 'problems', seed: 2, samples: 3 }, loaded);
  const states = await gatherStates(cpu, resolveSubject(STUDENT, loaded), sequences, ['latent']);
  const { matrix, shift } = await projectionOf(await leadingDirections(states, 1, 3, true), 3);
  const question = [3, 4, 5];
  const walk = async (models: DeviceModels): Promise<Float32Array[]> => {
    const shape = { batch: 1, question: 4, capacity: 8, parameters, reasoning };
    const decoder = await decoderFor(models, model, shape);
    const adapter = packs.map((data) => models.runtime.upload({ dtype: 'f32', shape: [data.length], data }));
    decoder.setParameters(adapter);
    const projection = decoder.intervention({ site: 'residual', layer: 1 }, matrix, shift);
    const walk = new Walk(decoder, {}, { interventions: [projection] });
    const { ids, keyMask } = leftPad([question], 4, 0);
    await walk.begin(ids, keyMask);
    await walk.feed({ latent: FEEDBACK });
    await walk.tokens(9);
    const seen = [await walk.hidden(), await walk.logits()];
    await decoder.dispose();
    for (const pack of adapter) pack.dispose();
    return seen;
  };
  const [a, b] = [await walk(gpu), await walk(cpu)];
  for (const i of [0, 1])
    expect(relativeError(a[i] as Float32Array, b[i] as Float32Array)).toBeLessThan(TOLERANCE);
});
