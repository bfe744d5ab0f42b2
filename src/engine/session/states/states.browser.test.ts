import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Section, Subject } from '../../../contract/lens';
import { Rng } from '../../base/rng';
import { leftPad } from '../../data/batch';
import { Walk } from '../../decode/decoder.testing';
import { thinking } from '../../decode/reasoning.testing';
import type { Device } from '../../device/device';
import { openDevice } from '../../device/open-device';
import { loraLayout } from '../../nn/lora';
import { adapted as asStudent } from '../../nn/parameters.testing';
import { wasmPaths } from '../../runtime/assets';
import { createRuntime } from '../../runtime/runtime';
import { SMALLEST, serveFiles, tinyPair } from '../../testing/tiny-pair.testing';
import { normals, relativeError } from '../../train/tiny.testing';
import { leadingDirections, projectionOf } from '../causal/directions';
import { DeviceModels } from '../models/device-models';
import { loadPair } from '../models/pair';
import { ProblemSet } from '../models/problems';
import { type LoadedModels, resolveSubject } from '../models/subjects';
import { decoderFor } from '../runs/student';
import { ANY } from '../runs/student.testing';
import { gatherStates, sequencesOf } from './states';

/** float32 on two providers, one layer; a software adapter's exp errs by 1e-6. Measured 6.5e-7. */
const TOLERANCE = 1e-5;

const FEEDBACK = { kind: 'softmax', temperature: 0.8 } as const;
const STUDENT: Subject = { kind: 'student' };

let device: Device;
let gpu: DeviceModels;
let cpu: DeviceModels;
let loaded: LoadedModels & { readonly problems: ProblemSet };
beforeAll(async () => {
  device = await openDevice();
  gpu = new DeviceModels(await createRuntime({ provider: 'webgpu', device, wasmPaths }));
  cpu = new DeviceModels(await createRuntime({ provider: 'wasm', wasmPaths }));
  const { pair } = await loadPair('models', { fetch: serveFiles(await tinyPair(SMALLEST)) });
  const lora = { rank: 2, alpha: 3, targets: ['q', 'down'] } as const;
  const packs = [normals(new Rng(4), loraLayout(pair.base.config, lora).length, 0.2)];
  loaded = {
    pair,
    problems: new ProblemSet(pair.manifest.data, pair.codec),
    student: {
      ...ANY,
      label: 's',
      reasoning: thinking(2, FEEDBACK),
      parameters: asStudent(lora),
      packs,
    },
    checkpoints: new Map(),
  };
});
afterAll(async () => {
  await gpu.runtime.dispose();
  await cpu.runtime.dispose();
  device.destroy();
});

describe('on WebGPU', () => {
  it.each([
    ['explicit', { kind: 'teacher' }, ['question', 'rationale', 'answer']],
    ['latent', STUDENT, ['latent', 'answer']],
  ] as const)('gathers the same states in the %s pass as on WASM', async (_pass, subject, sections) => {
    const sequences = sequencesOf({ kind: 'problems', seed: 2, samples: 2 }, loaded);
    const [a, b] = await Promise.all(
      [gpu, cpu].map((models) =>
        gatherStates(models, resolveSubject(subject, loaded), sequences, sections as readonly Section[]),
      ),
    );
    for (const [i, sample] of (a?.samples ?? []).entries())
      expect(relativeError(sample.states, b?.samples[i]?.states ?? [])).toBeLessThan(TOLERANCE);
    expect(a?.samples.length).toBe(2);
  });

  it('steps a projected decoder as on WASM', async () => {
    const { model, parameters, reasoning, packs } = resolveSubject(STUDENT, loaded);
    const sequences = sequencesOf({ kind: 'problems', seed: 2, samples: 3 }, loaded);
    const states = await gatherStates(cpu, resolveSubject(STUDENT, loaded), sequences, ['latent']);
    const { matrix, shift } = await projectionOf(await leadingDirections(states, 1, 3, true), 3);
    const question = [3, 4, 5];
    const walk = async (models: DeviceModels): Promise<Float32Array[]> => {
      const shape = { batch: 1, question: 4, capacity: 8, parameters, reasoning };
      const decoder = await decoderFor(models, model, shape);
      const adapter = packs.map((data) =>
        models.runtime.upload({ dtype: 'f32', shape: [data.length], data }),
      );
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
});
