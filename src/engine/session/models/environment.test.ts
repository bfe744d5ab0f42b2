import { afterEach, describe, expect, it, vi } from 'vitest';
import { LoriWorkbench } from '../workbench';

afterEach(() => vi.unstubAllGlobals());

/** A browser that gives no adapter until it is told to. */
function slowBrowser() {
  const destroy = vi.fn();
  const gpuDevice = {
    destroy,
    lost: new Promise(() => {}),
    limits: {},
    features: new Set(),
    addEventListener() {},
  };
  const adapter = {
    limits: {},
    features: new Set(),
    info: { vendor: 'v', architecture: 'ampere', description: '' },
    requestDevice: async () => gpuDevice,
  };
  let give = (_adapter: unknown): void => {};
  const requestAdapter = vi.fn(
    () =>
      new Promise((resolve) => {
        give = resolve;
      }),
  );
  vi.stubGlobal('navigator', { gpu: { requestAdapter } });
  return { destroy, requestAdapter, give: () => give(adapter) };
}

describe('opening a device that the browser withholds', () => {
  it('ends as soon as it is cancelled; the next one opens, and the late device is closed', async () => {
    const browser = slowBrowser();
    const workbench = new LoriWorkbench({ crossOriginIsolated: true, runtimeVersion: 'test', threads: 1 });
    const abort = new AbortController();
    const opening = workbench.open('auto', { signal: abort.signal });
    await vi.waitFor(() => expect(browser.requestAdapter).toHaveBeenCalled());
    abort.abort();
    await expect(opening).rejects.toMatchObject({ code: 'cancelled' });
    expect((await workbench.open('wasm')).provider).toBe('wasm');
    browser.give();
    await vi.waitFor(() => expect(browser.destroy).toHaveBeenCalledTimes(1));
    // Closing the late one has not touched what is open.
    await workbench.closeDevice();
    await expect(workbench.checkDevice()).rejects.toMatchObject({ code: 'device' });
  });

  it('does not start if it was already cancelled', async () => {
    const browser = slowBrowser();
    const workbench = new LoriWorkbench({ crossOriginIsolated: true, runtimeVersion: 'test', threads: 1 });
    await expect(workbench.open('auto', { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(browser.requestAdapter).not.toHaveBeenCalled();
  });
});
