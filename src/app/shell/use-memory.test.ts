import { describe, expect, it } from 'vitest';
import { memoryNow } from './use-memory';

describe('memory', () => {
  it('is that of page and engine where the browser tells it', async () => {
    const api = { measureUserAgentSpecificMemory: async () => ({ bytes: 7 }), memory: { usedJSHeapSize: 3 } };
    expect(await memoryNow(api)).toMatchObject({ bytes: 7, of: expect.stringContaining('engine') });
  });

  it('is that of the page alone where more is refused, and unknown where nothing is told', async () => {
    const api = {
      measureUserAgentSpecificMemory: () => Promise.reject(new DOMException('', 'SecurityError')),
      memory: { usedJSHeapSize: 3 },
    };
    expect(await memoryNow(api)).toMatchObject({ bytes: 3, of: expect.stringContaining('alone') });
    expect(await memoryNow({})).toBeNull();
  });
});
