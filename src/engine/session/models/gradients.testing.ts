import { describe, expect, it } from 'vitest';
import type { WeightStorage } from '../../../contract/weight-storage';
import type { Device } from '../../device/device';
import { ModelOnDevice } from '../../model/model-on-device';
import type { LinearName } from '../../nn/config';
import { type LoraSpec, loraLayout } from '../../nn/lora';
import { ParameterSet } from '../../nn/parameter-set';
import type { Runtime } from '../../runtime/runtime';
import type { DeviceTensor } from '../../runtime/tensor';
import { uploadAll } from '../../runtime/upload-all';
import { compileWhole } from '../../train/compile-whole';
import { compileLayerwise } from '../../train/layerwise/compile';
import type { TapeRun } from '../../train/step';
import { Tape } from '../../train/tape/tape';
import { type FamilyCase, familyCases, familyFiles, floats, TEXT, weightsOf } from './families-files.testing';
import golden from './gradients.golden.json';
import { openModel } from './opened';

/** Gradients of LoRA on every linear against torch in float64, see scripts/goldens/families/gradients.py. */

const LINEARS: readonly LinearName[] = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'];
const { rank, alpha, seed } = golden;
const SPEC: LoraSpec & { kind: 'lora' } = { kind: 'lora', rank, alpha, targets: LINEARS };
type Case = (typeof golden.cases)[number];
type Compile = (model: ModelOnDevice, tape: Tape, device?: Device) => Promise<TapeRun>;
const sizeOf = ({ shape }: { readonly shape: readonly number[] }): number => shape.reduce((n, d) => n * d, 1);

interface On {
  readonly runtime: Runtime;
  readonly device?: Device;
}

/** Loss and gradients, in the order of the golden file's parts. */
async function gradientsOf(
  { runtime, device: gpu }: On,
  { name, parts }: Case,
  storage: WeightStorage,
  compile: Compile,
) {
  const { model } = await openModel(
    familyFiles(familyCases.find((c) => c.name === name) as FamilyCase, 'f32'),
  );
  const own = { ...model.config, ...(storage !== 'f32' && { storage }) };
  // Splits bound matrices into pieces of a few rows, as large ones are.
  const device = new ModelOnDevice(runtime, own, model.weights, { maxMatrixBytes: 1024 });
  const { config } = device;
  const set = new ParameterSet(config, { student: SPEC });
  const tape = new Tape(set, 1);
  const text = tape.segment(tape.tokens('text', TEXT.length - 1), { adapters: ['student'] });
  tape.crossEntropy('answer', 1, text.finals(), { targets: 'targets', weights: 'weights' });
  const run = await compile(device, tape, gpu);
  const { parts: places, length } = loraLayout(config, SPEC);
  const offsetOf = ({ linear, factor }: Case['parts'][number]): number =>
    places.find((p) => p.linear === linear && p.factor === factor)?.offset as number;
  const listed = parts.map((p) => ({ name: '', shift: 9, one: false, leftover: false, shape: p.shape }));
  const values = weightsOf({ seed, tensors: listed.map((p, i) => ({ ...p, name: `${i}` })) });
  const packs = Array.from({ length: config.layers }, () => new Float32Array(length));
  parts.forEach((p, i) => {
    packs[p.layer]?.set(values.get(`${i}`) as Float32Array, offsetOf(p));
  });
  const bound = uploadAll(
    runtime,
    packs.map((data) => ({ dtype: 'f32' as const, shape: [length], data })),
    (i) => `pack ${i}`,
  );
  const n = TEXT.length - 1;
  const { terms, gradients } = await run.run(
    {
      text: { dtype: 'i32', shape: [1, n], data: Int32Array.from(TEXT.slice(0, n)) },
      targets: { dtype: 'i32', shape: [1, n], data: Int32Array.from(TEXT.slice(1)) },
      weights: { dtype: 'f32', shape: [1, n], data: new Float32Array(n).fill(1 / n) },
    },
    bound,
  );
  const [loss] = (await (terms as DeviceTensor).read()) as Float32Array;
  const read = await Promise.all(gradients.map((g) => g.read() as Promise<Float32Array>));
  for (const tensor of bound) tensor.dispose();
  await run.dispose();
  await device.release();
  const taken = parts.map((p) =>
    (read[p.layer] as Float32Array).subarray(offsetOf(p), offsetOf(p) + sizeOf(p)),
  );
  return { loss: loss as number, taken };
}

/** The largest over all factors of ‖difference‖ / ‖reference‖. */
function worst(taken: readonly Float32Array[], reference: string): number {
  let at = 0;
  const all = floats(reference);
  return Math.max(
    ...taken.map((own) => {
      const want = all.subarray(at, at + own.length);
      at += own.length;
      const apart = Math.sqrt(own.reduce((sum, x, i) => sum + (x - (want[i] as number)) ** 2, 0));
      return apart / Math.sqrt(want.reduce((sum, x) => sum + x ** 2, 0));
    }),
  );
}

const HOW: Readonly<Record<string, Compile>> = {
  'one program': (model, tape) => compileWhole(model, tape, 'step'),
  'small programs': (model, tape, device) =>
    compileLayerwise(model, tape, { losses: 'traced', ...(device && { device }) }),
};

/** How weights are stored, how a step is compiled, which reference it is compared with, and the tolerance. */
export type GradientCase = readonly [WeightStorage, keyof typeof HOW, 'f32' | 'int8' | 'int4', number];

/** Tests gradients of the golden file's models whose names match. @param on called once tests run */
export function describeGradients(models: RegExp, on: () => On, cases: readonly GradientCase[]): void {
  const chosen = golden.cases.filter(({ name }) => models.test(name));
  describe.each(chosen)('gradients of every factor: $name', (one) => {
    it.each(cases)('are torch’s, with weights in %s, by %s', async (storage, how, reference, tolerance) => {
      const { loss, taken } = await gradientsOf(on(), one, storage, HOW[how] as Compile);
      const error = worst(taken, one[reference].gradients);
      if (globalThis.process?.env?.SHOW) console.log(one.name, storage, how, error);
      expect(Math.abs(loss / one[reference].loss - 1)).toBeLessThan(tolerance);
      expect(error).toBeLessThan(tolerance);
      // They differ from the references of the other storages.
      for (const other of ['f32', 'int8', 'int4'] as const)
        if (other !== reference) expect(worst(taken, one[other].gradients)).toBeGreaterThan(1e-3);
    });
  });
}
