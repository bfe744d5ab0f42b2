import { describe, expect, it, vi } from 'vitest';
import { DeviceError } from '../base/errors';
import { openDevice } from './open-device';

const never = new Promise<never>(() => undefined);
const info = { vendor: 'v', architecture: 'a', description: 'd', isFallbackAdapter: false };

/** A GPU like that of the browsers that differ from today's Chromium. */
function gpuWith(adapter: object | Promise<unknown>, device: Promise<unknown> = Promise.resolve({})) {
  const full = { limits: {}, features: new Set(), requestDevice: () => device, ...adapter };
  const answer = adapter instanceof Promise ? adapter : Promise.resolve(full);
  return { requestAdapter: () => answer } as unknown as GPU;
}
const gpuDevice = () => ({ lost: never, addEventListener: () => undefined, destroy: vi.fn() });

describe('case 30: opening the device', () => {
  it.each([
    ['without info', {}, { vendor: '', architecture: '', description: '', isFallback: false }],
    ['without info, said to be software', { isFallbackAdapter: true }, { isFallback: true }],
    ['with info', { info }, { vendor: 'v', architecture: 'a', description: 'd', isFallback: false }],
    ['with info of a software one', { info: { ...info, isFallbackAdapter: true } }, { isFallback: true }],
    ['named swiftshader', { info: { ...info, architecture: 'swiftshader' } }, { isFallback: true }],
  ])('takes an adapter %s', async (_, adapter, want) => {
    const device = await openDevice({ gpu: gpuWith(adapter, Promise.resolve(gpuDevice())) });
    expect(device.info).toMatchObject(want);
  });

  it('gives up on an adapter that never comes, and says so', async () => {
    const opening = openDevice({ gpu: gpuWith(never), adapterLimit: 10, restartLimit: 0 });
    await expect(opening).rejects.toThrow(DeviceError);
    await expect(opening).rejects.toThrow(
      'did not answer the request for a graphics adapter within 0.01 seconds',
    );
  });

  it('destroys a device that comes too late', async () => {
    const late = gpuDevice();
    let give: (device: unknown) => void = () => undefined;
    const device = new Promise((resolve) => {
      give = resolve;
    });
    const opening = openDevice({ gpu: gpuWith({ info }, device), deviceLimit: 10, restartLimit: 0 });
    await expect(opening).rejects.toThrow('did not answer the request for a GPU device');
    give(late);
    await vi.waitFor(() => expect(late.destroy).toHaveBeenCalledOnce());
  });

  it('asks again while the browser restarts its GPU process, and no longer than that', async () => {
    const adapter = {
      limits: {},
      features: new Set(),
      info,
      requestDevice: () => Promise.resolve(gpuDevice()),
    };
    await openDevice({ gpu: gpuWith({ info }, Promise.resolve(gpuDevice())) });
    const answers = [
      () => Promise.reject(new DOMException('A valid external Instance reference no longer exists.')),
      () => Promise.resolve(null),
      () => Promise.resolve(adapter),
    ];
    const restarted = { requestAdapter: () => answers.shift()?.() } as unknown as GPU;
    expect((await openDevice({ gpu: restarted })).lost).toBe(false);
    expect(answers).toEqual([]);

    const requestAdapter = vi.fn(() => Promise.resolve(null));
    const gone = { requestAdapter } as unknown as GPU;
    await expect(openDevice({ gpu: gone, restartLimit: 600 })).rejects.toMatchObject({ code: 'lost' });
    expect(requestAdapter.mock.calls.length).toBeGreaterThan(1);
    requestAdapter.mockClear();
    await expect(openDevice({ gpu: gone, restartLimit: 0 })).rejects.toMatchObject({ code: 'lost' });
    expect(requestAdapter).toHaveBeenCalledOnce();
  });

  it('says why the browser refuses, for adapter and device', async () => {
    const refused = () => Promise.reject(new DOMException('no context', 'OperationError'));
    const opening = openDevice({ gpu: gpuWith(refused()), restartLimit: 0 });
    await expect(opening).rejects.toMatchObject({
      code: 'device',
      message: 'the GPU could not be opened: no context',
    });
    const late = openDevice({ gpu: gpuWith({ info }, refused()), restartLimit: 0 });
    await expect(late).rejects.toThrow(DeviceError);
  });
});
