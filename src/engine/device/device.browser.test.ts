import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LostDeviceError } from '../base/errors';
import { foldGroups } from './batch';
import type { Device } from './device';
import { openDevice } from './open-device';
import { packUniforms } from './uniforms';

const code = `
struct Job { count: u32, add: f32 }
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> b: array<f32>;
@group(0) @binding(2) var<uniform> job: Job;
override factor = 1.0;
@compute @workgroup_size(64) fn apply(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < job.count) { b[id.x] = a[id.x] * factor + job.add; }
}`;
const bindings = ['read', 'write', 'uniform'] as const;

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.destroy());

describe('device', () => {
  it('describes its adapter', () => {
    expect(device.lost).toBe(false);
    expect(typeof device.info.vendor).toBe('string');
    expect(device.limits.maxStorageBufferBindingSize).toBeGreaterThan(2 ** 27);
  });

  it('rounds buffers up to 16 bytes, counts live ones, and refuses a second destroy', () => {
    const before = device.liveBuffers;
    const buffer = device.createBuffer(5, 'five');
    expect([buffer.bytes, buffer.gpu.size, device.liveBuffers - before]).toEqual([5, 16, 1]);
    buffer.destroy();
    expect(device.liveBuffers).toBe(before);
    expect(() => buffer.destroy()).toThrow(/"five" was destroyed twice/);
    expect(() => buffer.gpu).toThrow(/"five" was used after it had been destroyed/);
  });

  it('refuses a buffer past the limits and a write past the end', () => {
    expect(() => device.createBuffer(2 ** 45, 'huge')).toThrow(
      expect.objectContaining({
        code: 'too-large',
        message: expect.stringMatching(/"huge" takes 35184372088832 bytes; this GPU allows/),
      }),
    );
    // The device is not lost, and goes on.
    device.createBuffer(16, 'small enough').destroy();
    const small = device.createBuffer(16, 'small');
    expect(() => device.write(small, new Float32Array(5))).toThrow(/20 bytes at offset 0 do not fit/);
    small.destroy();
  });

  it('uploads odd byte counts and reads them back, counted', async () => {
    const bytes = new Uint8Array([1, 2, 3, 4, 5, 6, 7]);
    const buffer = device.upload(bytes, 'odd');
    const before = device.readBacks;
    expect([...new Uint8Array(await device.read(buffer))]).toEqual([...bytes]);
    expect(device.readBacks).toBe(before + 1);
    buffer.destroy();
  });

  it('chains dispatches in one submission, past the end of the uniform arena', async () => {
    const pipeline = await device.pipeline(code, 'apply', bindings, 'apply', { factor: 1 });
    expect(await device.pipeline(code, 'apply', bindings, 'apply', { factor: 1 }), 'cached').toBe(pipeline);
    const a = device.upload(new Float32Array([1, 2, 3]), 'a');
    const b = device.upload(new Float32Array(3), 'b');
    const submits = device.submits;
    device.record('chain', (batch) => {
      for (let i = 0; i < 5; i++) {
        batch.dispatch(pipeline, [a, b], packUniforms(['u', 3], ['f', i + 1]), [1]);
        batch.dispatch(pipeline, [b, a], packUniforms(['u', 3], ['f', 0]), [1]);
      }
    });
    expect(device.submits).toBe(submits + 1);
    expect([...(await device.readF32(a))]).toEqual([16, 17, 18]);
    device.record('long', (batch) => {
      for (let i = 0; i < 150; i++) {
        batch.dispatch(pipeline, [a, b], packUniforms(['u', 3], ['f', 1]), [1]);
        batch.dispatch(pipeline, [b, a], packUniforms(['u', 3], ['f', 0]), [1]);
      }
    });
    expect([...(await device.readF32(a))]).toEqual([166, 167, 168]);
    a.destroy();
    b.destroy();
  });

  it('names the fault of a shader, a wrong binding count and too many workgroups', async () => {
    await expect(device.pipeline('fn x() { nonsense; }', 'x', [], 'broken')).rejects.toThrow(
      /"broken" \(x\) does not compile/,
    );
    const pipeline = await device.pipeline(code, 'apply', bindings, 'apply', { factor: 1 });
    const a = device.createBuffer(16, 'a');
    const record = (n: number, groups: readonly [number]) => () =>
      device.record('bad', (batch) =>
        batch.dispatch(pipeline, n === 1 ? [a] : [a, a], packUniforms(['u', 1], ['f', 1]), groups),
      );
    expect(record(1, [1])).toThrow(/given 1 buffers and a uniform; 2 buffers and a uniform are expected/);
    expect(record(2, [70000])).toThrow(/70000 × 1 × 1 workgroups/);
    a.destroy();
  });

  it('reports a validation error at the next call', async () => {
    const pipeline = await device.pipeline(code, 'apply', bindings, 'apply', { factor: 1 });
    const same = device.upload(new Float32Array(4), 'same');
    // One buffer read and written in one dispatch is not allowed.
    device.record('alias', (batch) =>
      batch.dispatch(pipeline, [same, same], packUniforms(['u', 1], ['f', 1]), [1]),
    );
    await expect(device.read(same)).rejects.toMatchObject({
      code: 'device',
      message: expect.stringContaining('the GPU refused a command: '),
    });
    // Told once, it is over: the device goes on.
    expect([...(await device.readF32(same))]).toEqual([0, 0, 0, 0]);
    same.destroy();
  });

  it('distinguishes out of memory from a lost device', async () => {
    const buffer = device.upload(new Float32Array([7]), 'kept');
    const error = new GPUOutOfMemoryError('no room for "adapter"');
    device.gpu.dispatchEvent(new GPUUncapturedErrorEvent('uncapturederror', { error }));
    await expect(device.read(buffer)).rejects.toMatchObject({ code: 'memory', name: 'MemoryError' });
    expect(device.lost).toBe(false);
    expect([...(await device.readF32(buffer))]).toEqual([7]);
    buffer.destroy();
  });
});

describe('a missing or lost device', () => {
  it('says what to do without WebGPU and without an adapter', async () => {
    await expect(openDevice({ gpu: null })).rejects.toThrow(/this browser has no WebGPU/);
    const none = { requestAdapter: async () => null } as unknown as GPU;
    // A device was opened before in this realm: the browser has given up on the GPU.
    const error = await openDevice({ gpu: none, restartLimit: 0 }).then(
      () => undefined,
      (e: LostDeviceError) => e,
    );
    expect(error).toBeInstanceOf(LostDeviceError);
    expect(error?.hint).toMatch(/Wait two minutes and try again/);
  });

  it('stops everything once it is gone', async () => {
    const doomed = await openDevice();
    const buffer = doomed.upload(new Float32Array([1]), 'kept');
    // As another holder of the same GPUDevice would.
    doomed.gpu.destroy();
    await doomed.gpu.lost;
    expect(doomed.lost).toBe(true);
    expect(() => doomed.createBuffer(4, 'late')).toThrow(LostDeviceError);
    expect(() => doomed.record('late', () => {})).toThrow(/device was lost/);
    await expect(doomed.read(buffer)).rejects.toThrow(/device was lost/);
    buffer.destroy();
    expect(doomed.liveBuffers).toBe(0);
  });

  it('waits for a loss reported after a failure, and passes for a live device', async () => {
    const [living, doomed] = [await openDevice(), await openDevice()];
    setTimeout(() => doomed.gpu.destroy(), 50);
    const failure = doomed.assertAliveAfterFailure();
    expect(doomed.lost).toBe(false);
    await expect(failure).rejects.toThrow(/device was lost/);
    await living.assertAliveAfterFailure();
    living.destroy();
  });

  it('folds many workgroups into two dimensions', () => {
    expect(foldGroups(65535)).toEqual([65535, 1]);
    const [x, y] = foldGroups(65536);
    expect(x * y).toBeGreaterThanOrEqual(65536);
    expect(x).toBeLessThanOrEqual(65535);
  });
});
