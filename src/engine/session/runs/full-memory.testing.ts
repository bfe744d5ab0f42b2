import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parseRunConfig } from '../../../contract/config';
import { inHeap } from '../../../contract/memory';
import { heapBytes } from '../../runtime/heap';
import { openTiny } from './keep-all.testing';
import { tinyRunBy } from './tiny-run.testing';

/**
 * Prints, as JSON, the memory of training all weights relative to the estimate. Runs in its own process: a
 * heap that others have enlarged would not grow.
 */

/** Weights dominate: 3.2 million, 13 MB. */
const SIZES = { num_hidden_layers: 2, hidden_size: 256, intermediate_size: 1408 };

/** Bytes of arrays still in use. */
function heldBytes(): number {
  setFlagsFromString('--expose_gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().arrayBuffers;
}

const workbench = await openTiny({ config: SIZES });
const { data, optimiser, ...base } = tinyRunBy('nocot');
const config = parseRunConfig({
  ...base,
  data: { ...data, samples: 2, validation: 0, heldOut: 0 },
  optimiser: { ...optimiser, steps: 2, batch: 2 },
  ...{ evaluation: { every: 0 }, observation: { every: 0 }, training: { weights: 'full' } },
});
const { memory, composition } = await workbench.runCost(config);
const [heap, outside] = [heapBytes(), heldBytes()];
let held = 0;
await workbench.distil(config, {
  report: ({ kind }) => {
    if (kind === 'step') held = heldBytes();
  },
});
console.log(
  JSON.stringify({
    composition,
    heap: inHeap(memory) / (heapBytes() - heap),
    outside: memory.parts.host / (held - outside),
  }),
);
await workbench.close();
