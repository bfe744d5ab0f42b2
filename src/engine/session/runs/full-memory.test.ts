import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// On a busy machine arrays may still be in transit, or not yet there, when a step ends: another attempt then.
it('training all weights takes the estimated memory, in WebAssembly and outside', {
  retry: 2,
  timeout: 90_000,
}, () => {
  const printed = execFileSync(
    process.execPath,
    [at('../../../../scripts/tools/run-ts.mjs'), at('./full-memory.testing.ts')],
    { encoding: 'utf8', timeout: 60_000, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const { composition, ...estimates } = JSON.parse(printed.trim().split('\n').at(-1) as string);
  expect(composition).toBe('whole');
  // Estimate over measurement. WebAssembly grows by a fifth at a time.
  expect(Object.keys(estimates)).toEqual(['heap', 'outside']);
  for (const [where, ratio] of Object.entries(estimates)) {
    expect(ratio, where).toBeGreaterThan(0.8);
    expect(ratio, where).toBeLessThan(1.3);
  }
});
