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
});
