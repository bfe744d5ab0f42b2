import { expect, it } from 'vitest';
import { exportMemory, exportSentence } from './memory-export';

it('an export whose weights alone are more than WASM has does not fit, and says both numbers', () => {
  const large = exportMemory(4.9e9, 'wasm');
  expect(large.fits).toBe(false);
  expect(exportSentence(large)).toBe('Its weights take 4.9 GB; WASM has 4.0 GB: it cannot be run.');
  expect(exportMemory(4.0e9, 'wasm').fits).toBe(true);
  expect(exportSentence(exportMemory(1.2e9, 'wasm'))).toMatch(
    /^Its weights take 1\.2 GB at least of the 4\.0 GB/,
  );
  const gpu = exportMemory(4.9e9, 'webgpu');
  expect([gpu.fits, exportSentence(gpu)]).toEqual([true, expect.stringContaining('browsers do not say')]);
});
