import { describe, expect, it } from 'vitest';
import { memoryNow } from './use-memory';

describe('memory', () => {
  it('covers page and engine if the browser reports both', async () => {
    const api = { measureUserAgentSpecificMemory: async () => ({ bytes: 7 }), memory: { usedJSHeapSize: 3 } };
    expect(await memoryNow(api)).toMatchObject({
      bytes: 7,
      of: expect.stringContaining('engine'),
      isPart: false,
    });
  });

  it('covers the page alone if the browser refuses more, and is unknown if it reports nothing', async () => {
    const api = {
      measureUserAgentSpecificMemory: () => Promise.reject(new DOMException('', 'SecurityError')),
      memory: { usedJSHeapSize: 3 },
    };
    expect(await memoryNow(api)).toMatchObject({
      bytes: 3,
      of: expect.stringContaining('alone'),
      isPart: true,
    });
    expect(await memoryNow({})).toBeNull();
  });

  it('counts the heap of WebAssembly, which browsers leave out', async () => {
    const api = { measureUserAgentSpecificMemory: async () => ({ bytes: 7e6 }) };
    expect(await memoryNow(api, 500e6)).toMatchObject({
      ...{ bytes: 507e6, isPart: false },
      of: expect.stringContaining('500.0 MB of WASM heap'),
    });
    expect(await memoryNow({ memory: { usedJSHeapSize: 3e6 } }, 500e6)).toMatchObject({
      ...{ bytes: 503e6, isPart: false },
      of: expect.stringContaining('The page, and the engine’s 500.0 MB'),
    });
    expect(await memoryNow({}, 500e6)).toMatchObject({ bytes: 500e6 });
  });
});
