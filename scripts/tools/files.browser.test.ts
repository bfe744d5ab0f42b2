import { describe, expect, it } from 'vitest';
import { hasFile, readJson } from './files';

describe('the browser of the tests', () => {
  it('is cross-origin isolated and has a WebGPU adapter', async () => {
    expect(globalThis.crossOriginIsolated).toBe(true);
    expect(typeof SharedArrayBuffer).toBe('function');
    const adapter = await navigator.gpu.requestAdapter();
    expect(adapter?.limits.maxComputeInvocationsPerWorkgroup).toBeGreaterThanOrEqual(256);
  });

  it('answers 404 for an absent file and for one outside the folder', async () => {
    for (const path of ['/models/absent.json', '/shared/absent', '/shared/..%2f..%2fetc%2fpasswd']) {
      expect((await fetch(path)).status, path).toBe(404);
    }
  });
});

describe.skipIf(!(await hasFile('shared', 'checkpoints/stories260K/config.json')))(
  'reference checkpoints',
  () => {
    it('are read by name', async () => {
      const config = await readJson<{ model_type: string }>('shared', 'checkpoints/stories260K/config.json');
      expect(config.model_type).toBe('llama');
    });
  },
);
