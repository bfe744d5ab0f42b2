import { describe, expect, test } from 'vitest';
import { graphTensor } from '../base/half';
import type { Device } from '../device/device';
import { openDevice } from '../device/open-device';
import { Graph } from '../graph/graph';
import * as o from '../graph/ops';
import { createHalfUpload } from '../kernels/convert/convert';
import { wasmPaths } from './assets';
import { createRuntime } from './runtime';
import { describeRuntime } from './runtime.testing';

let shared: Device | undefined;
const onGpu = async (own?: Device) => {
  const device = own ?? shared ?? (await openDevice());
  shared ??= device;
  return createRuntime({
    provider: 'webgpu',
    device,
    wasmPaths,
    uploadHalves: await createHalfUpload(device),
  });
};

describeRuntime('WebGPU', onGpu);
describeRuntime('WASM', () => createRuntime({ provider: 'wasm', wasmPaths }));

/** y = exp(x), [4]. */
function program() {
  const g = new Graph();
  return { name: 'exponential', outputs: { y: o.exp(g.input('x', [4])) } };
}
const host = { dtype: 'f32', shape: [4], data: new Float32Array([1, 2, 3, 4]) } as const;

describe('a lost GPU', () => {
  test('is noticed before the next run, allocation or compilation; another device works', async () => {
    const device = await openDevice();
    const runtime = await onGpu(device);
    const executable = await runtime.compile(program());
    const x = runtime.upload(host);
    const { y } = await executable.run({ x });
    device.destroy();
    await expect(executable.run({ x })).rejects.toMatchObject({ code: 'lost' });
    await expect(y?.read()).rejects.toMatchObject({ code: 'lost' });
    expect(() => runtime.empty('f32', [4])).toThrow('lost');
    expect(() => x.write(host.data)).toThrow('lost');
    await expect(
      runtime.compile({ name: 'late', outputs: { z: o.neg(program().outputs.y) } }),
    ).rejects.toMatchObject({
      code: 'lost',
    });
    await runtime.dispose();
    expect(device.liveBuffers).toBe(0);

    const next = await onGpu();
    const again = await next.compile(program());
    const found = await (await again.run({ x: next.upload(host) })).y?.read();
    expect(found?.[3]).toBeCloseTo(Math.exp(4), 3);
    await next.dispose();
  });

  test('during a run gives LostDeviceError', async () => {
    const device = await openDevice();
    const runtime = await onGpu(device);
    const executable = await runtime.compile(program());
    const running = executable.run({ x: runtime.upload(host) });
    device.destroy();
    await expect(running).rejects.toMatchObject({ code: 'lost' });
    await runtime.dispose();
    expect(device.liveBuffers).toBe(0);
  });
});

describe('buffers', () => {
  test('keeps tensors in device buffers of a multiple of 16 bytes, freed with them', async () => {
    const device = await openDevice();
    const runtime = await onGpu(device);
    const before = device.liveBuffers;
    const t = runtime.upload({ dtype: 'bool', shape: [5], data: new Uint8Array([1, 0, 1, 1, 1]) }, 'flags');
    expect(t.buffer.size).toBe(16);
    expect(t.deviceBuffer.gpu).toBe(t.buffer);
    expect(device.liveBuffers).toBe(before + 1);
    expect(() => t.data).toThrow('tensor "flags" bool [5] is on the GPU');
    t.dispose();
    expect(() => t.buffer).toThrow('after it had been disposed of');
    expect(device.liveBuffers).toBe(before);
    expect(() => runtime.empty('f32', [device.limits.maxBufferSize], 'huge')).toThrow(
      /"huge" takes .* this GPU allows/,
    );
    expect(runtime.liveTensors).toBe(0);
    await runtime.dispose();
    device.destroy();
  });

  test('uploads 16-bit weights as they are: half the bytes of f32, leaving one buffer', async () => {
    const device = await openDevice();
    const written: number[] = [];
    const write = device.write.bind(device);
    device.write = (buffer, data, offset) => {
      written.push(data.byteLength);
      write(buffer, data, offset);
    };
    const weight = {
      dtype: 'bf16',
      shape: [3, 11],
      data: Uint16Array.from({ length: 33 }, (_, i) => 499 * i),
    } as const;
    const values: unknown[] = [];
    const without = await createRuntime({ provider: 'webgpu', device, wasmPaths });
    for (const runtime of [await onGpu(device), without]) {
      const tensor = runtime.upload(weight, 'weight');
      values.push(await tensor.read());
      expect([tensor.buffer.size, device.liveBuffers]).toEqual([144, 1]);
      tensor.dispose();
      expect(device.liveBuffers).toBe(0);
      await runtime.dispose();
    }
    expect(written).toEqual([66, 132]);
    expect(values).toEqual([graphTensor(weight).data, graphTensor(weight).data]);
    device.destroy();
    expect(() => without.upload(weight)).toThrow('disposed of');
  });

  test('leaves the device unchanged after 200 runs and reads nothing back', async () => {
    const device = await openDevice();
    const runtime = await onGpu(device);
    const executable = await runtime.compile(program());
    const x = runtime.upload(host);
    const counts = new Set<string>();
    for (let i = 0; i < 200; i++) {
      (await executable.run({ x })).y?.dispose();
      counts.add(`${device.liveBuffers} ${device.readBacks}`);
    }
    expect([...counts]).toEqual(['1 0']);
    await runtime.dispose();
    device.destroy();
  });
});
