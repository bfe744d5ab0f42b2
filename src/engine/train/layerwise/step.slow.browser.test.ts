import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../device/device';
import { openDevice } from '../../device/open-device';
import { createHalfUpload } from '../../kernels/convert/convert';
import { ModelOnDevice } from '../../model/model-on-device';
import { inHalves, mapWeights, widenedWeights } from '../../nn/weights.testing';
import { wasmPaths } from '../../runtime/assets';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import type { DeviceTensor } from '../../runtime/tensor';
import { compileWhole } from '../compile-whole';
import { gpuOptimiser } from '../gpu-optimiser';
import { train } from '../loop';
import { hostOptimiser } from '../optimiser';
import type { TapeRun } from '../step';
import { made, relativeError, type TinyStep, tinyStep } from '../tiny.testing';
import { compileLayerwise } from './compile';

/** f32 on a software adapter, whose exp errs by 1e-6, against f32 on WASM. */
const TOLERANCE = 2e-4;

const OPTIMISER = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.05, clip: 0.5 };

interface Outcome {
  readonly terms: readonly number[];
  readonly gradients: readonly Float32Array[];
}

async function outcomeOf(runtime: Runtime, step: TapeRun, tiny: TinyStep): Promise<Outcome> {
  const packs = tiny.packs.map((data) => runtime.upload({ dtype: 'f32', shape: [data.length], data }));
  await step.run(tiny.feeds, packs);
  const [live, reads] = [runtime.liveTensors, runtime.readCount];
  const out = await step.run(tiny.feeds, packs);
  // Nothing is read back, and no step creates new tensors.
  expect(runtime.readCount - reads).toBe(0);
  expect(runtime.liveTensors).toBe(live);
  const terms = [...((await (out.terms as DeviceTensor).read()) as Float32Array)];
  const gradients: Float32Array[] = [];
  for (const gradient of out.gradients) gradients.push((await gradient.read()) as Float32Array);
  for (const pack of packs) pack.dispose();
  return { terms, gradients };
}

/**
 * What a few steps of the loop request from WebGPU, in order: `submit`, `map`, and `step` at the end of each.
 * Intercepted at the browser's API, so that ONNX Runtime's own read-backs would show too.
 */
async function asked(runtime: Runtime, device: Device, step: TapeRun, tiny: TinyStep, steps: number) {
  const log: string[] = [];
  const watch = <T extends object>(prototype: T, name: keyof T & string, event: string) => {
    const original = prototype[name] as (...args: unknown[]) => unknown;
    const watched = function (this: unknown, ...args: unknown[]) {
      log.push(event);
      return original.apply(this, args);
    };
    Object.assign(prototype, { [name]: watched });
    return () => Object.assign(prototype, { [name]: original });
  };
  const packs = tiny.packs.map((data) => runtime.upload({ dtype: 'f32', shape: [data.length], data }));
  const optimiser = await gpuOptimiser(device, packs, OPTIMISER);
  const losses: number[] = [];
  const undo = [watch(GPUBuffer.prototype, 'mapAsync', 'map'), watch(GPUQueue.prototype, 'submit', 'submit')];
  try {
    await train({
      ...{ step, parameters: packs, optimiser, steps, learningRate: 1e-3, warmup: 0, every: 0 },
      batch: () => tiny.feeds,
      onStep: (report) => {
        losses.push(report.losses.total);
        log.push('step');
      },
    });
  } finally {
    for (const put of undo) put();
  }
  optimiser.dispose();
  for (const pack of packs) pack.dispose();
  return { log, losses };
}

function errorOf(actual: Outcome, expected: Outcome): number {
  expect(expected.gradients.every((g) => g.some((x) => Math.abs(x) > 1e-6))).toBe(true);
  return Math.max(
    ...expected.terms.map((term, i) => Math.abs((actual.terms[i] as number) - term) / Math.abs(term)),
    ...expected.gradients.map((g, i) => relativeError(actual.gradients[i] as Float32Array, g)),
  );
}

describe('a training step on WebGPU', () => {
  let device: Device;
  let gpu: Runtime;
  let wasm: Runtime;
  beforeAll(async () => {
    device = await openDevice();
    wasm = await createRuntime({ provider: 'wasm', wasmPaths });
    const uploadHalves = await createHalfUpload(device);
    gpu = await createRuntime({ provider: 'webgpu', device, uploadHalves, wasmPaths });
  });
  afterAll(async () => {
    await gpu.dispose();
    await wasm.dispose();
    device.destroy();
  });

  // Nearly all of the time is in the first step, when the software adapter compiles its shaders.
  it('agrees with WASM: as one program with traced losses, as small programs with losses by shaders', {
    timeout: 240_000,
  }, async () => {
    const tiny = tinyStep({ latentSteps: 2, explicit: false, dropout: 0.2 });
    const { weights } = tiny;
    const whole = (on: Runtime, kept = weights) =>
      made(
        { ...tiny, model: (runtime) => new ModelOnDevice(runtime, tiny.config, kept) },
        on,
        (model, tape) => compileWhole(model, tape, 'step'),
      );
    const onWasm = await whole(wasm);
    const expected = await outcomeOf(wasm, onWasm, tiny);
    await onWasm.dispose();
    const forms: Record<string, () => Promise<TapeRun>> = {
      kernels: () =>
        made(tiny, gpu, (model, tape) => compileLayerwise(model, tape, { losses: 'kernels', device })),
      whole: () => whole(gpu),
    };
    for (const [form, compile] of Object.entries(forms)) {
      const start = performance.now();
      const step = await compile();
      const compiled = performance.now();
      const error = errorOf(await outcomeOf(gpu, step, tiny), expected);
      const [ready, ran] = [compiled - start, performance.now() - compiled].map(Math.round);
      console.log(
        `${form}: error ${error.toExponential(1)}, compiled in ${ready} ms, two steps in ${ran} ms`,
      );
      expect(error).toBeLessThan(TOLERANCE);
      // Sweeps, losses, gradient norm, clipping and AdamW: one mapping per step, once the whole step has been
      // submitted. The same dropout masks each time, so that the losses compare.
      const repeated: TapeRun = { ...step, run: (feeds, packs) => step.run(feeds, packs, 0) };
      const { log, losses } = await asked(gpu, device, repeated, tiny, 3);
      const perStep = log.join(' ').split(' step').slice(0, 3);
      for (const events of perStep) expect(events.trim()).toMatch(/^(submit )+map$/);
      expect(log.filter((event) => event === 'map')).toHaveLength(3);
      expect(losses[2]).toBeLessThan(losses[0] as number);
      // A step that reads its own terms on the way is detected.
      const peeking: TapeRun = {
        ...step,
        async run(...args) {
          const output = await step.run(...args);
          await output.terms?.read();
          return output;
        },
      };
      const caught = await asked(gpu, device, peeking, tiny, 1);
      expect(caught.log.join(' ')).toMatch(/map (submit )+map step$/);
      // The program that runs anyway, with weights stored in 16 bits: widened by the GPU, and beforehand.
      if (form === 'whole') {
        const half = mapWeights(weights, (host) => inHalves(host, 'bf16'));
        const found: Outcome[] = [];
        for (const kept of [half, widenedWeights(half)]) {
          const other = await whole(gpu, kept);
          found.push(await outcomeOf(gpu, other, tiny));
          await other.dispose();
        }
        expect(found[0]).toEqual(found[1]);
        expect(found[0]?.terms).not.toEqual(expected.terms);
      }
      await step.dispose();
    }
    expect(gpu.liveTensors).toBe(0);
  });

  it('needs the device', async () => {
    const tiny = tinyStep();
    await expect(made(tiny, gpu, (model, tape) => compileLayerwise(model, tape))).rejects.toThrow(
      'needs the device on WebGPU',
    );
  });

  it('updates the packs in place as the optimiser in host memory does', async () => {
    const tiny = tinyStep({ losses: 'ce' });
    const pair = (runtime: Runtime) => ({
      packs: tiny.packs.map((data) => runtime.upload({ dtype: 'f32', shape: [data.length], data })),
      gradients: tiny.packs.map((data, i) =>
        runtime.upload({
          dtype: 'f32',
          shape: [data.length],
          data: data.map((x) => Math.sin(40 * x) * (i + 1)),
        }),
      ),
      terms: runtime.upload({ dtype: 'f32', shape: [2], data: new Float32Array([1.25, -3]) }),
    });
    const [host, onGpu] = [pair(wasm), pair(gpu)];
    const before = device.liveBuffers;
    const optimisers = [
      hostOptimiser(host.packs, OPTIMISER),
      await gpuOptimiser(device, onGpu.packs, OPTIMISER),
    ] as const;
    for (const rate of [1e-2, 5e-3, 2e-3]) {
      const expected = await optimisers[0].update(host.gradients, rate, host.terms);
      const reads = device.readBacks;
      const actual = await optimisers[1].update(onGpu.gradients, rate, onGpu.terms);
      expect(device.readBacks - reads).toBe(1);
      expect([expected.terms, actual.terms]).toEqual([
        [1.25, -3],
        [1.25, -3],
      ]);
      expect(expected.norm).toBeGreaterThan(OPTIMISER.clip);
      expect(Math.abs(actual.norm / expected.norm - 1)).toBeLessThan(1e-5);
    }
    const check = async (): Promise<void> => {
      for (let i = 0; i < host.packs.length; i++) {
        const start = tiny.packs[i] as Float32Array;
        const moved = (x: Float32Array): Float32Array => x.map((v, j) => v - (start[j] as number));
        const [expected, actual] = [host.packs[i]?.data, await onGpu.packs[i]?.read()] as [
          Float32Array,
          Float32Array,
        ];
        expect(relativeError(moved(actual), moved(expected))).toBeLessThan(1e-4);
      }
    };
    await check();
    const bad = tiny.packs[1]?.map((x, j) => (j === 3 ? Number.NaN : x)) as Float32Array<ArrayBuffer>;
    const terms = new Float32Array([1, Number.POSITIVE_INFINITY]);
    for (const [i, side] of [host, onGpu].entries()) {
      // A term that is not finite stops the step though every gradient is.
      side.terms.write(terms);
      const refused = await optimisers[i as 0 | 1].update(side.gradients, 1e-2, side.terms);
      expect([refused.finite, refused.terms]).toEqual([false, [1, Number.POSITIVE_INFINITY]]);
    }
    await check();
    onGpu.terms.write(new Float32Array(2));
    onGpu.gradients[1]?.write(bad);
    expect((await optimisers[1].update(onGpu.gradients, 1e-2, onGpu.terms)).finite).toBe(false);
    await check();
    for (const optimiser of optimisers) optimiser.dispose();
    expect(device.liveBuffers).toBe(before);
    for (const side of [host, onGpu])
      for (const tensor of [...side.packs, ...side.gradients, side.terms]) tensor.dispose();
  });
});
