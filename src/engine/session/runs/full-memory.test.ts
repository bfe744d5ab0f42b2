import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { parseRunConfig } from '../../../contract/config';
import { inHeap } from '../../../contract/memory';
import { heapBytes } from '../../runtime/heap';
import { openTiny } from './keep-all.testing';
import { tinyRunBy } from './tiny-run.testing';

/** Weights are most of what is taken: 3.2 million, 13 MB. */
const SIZES = { num_hidden_layers: 2, hidden_size: 256, intermediate_size: 1408 };

/** Bytes of arrays that are still used. */
function heldBytes(): number {
  setFlagsFromString('--expose_gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().arrayBuffers;
}

it('training all weights takes what is estimated, in WebAssembly and outside it', async () => {
  const workbench = await openTiny({ config: SIZES });
  const { data, optimiser, ...base } = tinyRunBy('nocot');
  const config = parseRunConfig({
    ...base,
    data: { ...data, samples: 2, validation: 0, heldOut: 0 },
    optimiser: { ...optimiser, steps: 2, batch: 2 },
    ...{ evaluation: { every: 0 }, observation: { every: 0 }, training: { weights: 'full' } },
  });
  const { memory, composition } = await workbench.runCost(config);
  expect(composition).toBe('whole');
  const [heap, outside] = [heapBytes(), heldBytes()];
  let held = 0;
  await workbench.distil(config, {
    report: ({ kind }) => {
      if (kind === 'step') held = heldBytes();
    },
  });
  const ratios = {
    // WebAssembly grows by a fifth at a time.
    heap: inHeap(memory) / (heapBytes() - heap),
    outside: memory.parts.host / (held - outside),
  };
  if (process.env.SHOW) console.log(ratios, memory.parts);
  for (const [where, ratio] of Object.entries(ratios)) {
    expect(ratio, where).toBeGreaterThan(0.8);
    expect(ratio, where).toBeLessThan(1.3);
  }
  await workbench.close();
}, 60_000);
