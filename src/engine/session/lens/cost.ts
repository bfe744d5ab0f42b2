import { CONTROLS, type LensCost, type LensRequest } from '../../../contract/lens';
import { estimateMemory } from '../../../contract/memory';
import type { Runtime } from '../../runtime/runtime';
import { sizesOf } from '../models/fits';
import { keptOf, readingWork } from './gather';
import type { LensContext } from './lens';
import { LensPace } from './pace';
import { type Gathering, MAX_LENS_BYTES, planLens, shapesOf } from './plan';
import { parseLensRequest } from './request';
import { workOf } from './work';

export type CostContext = Pick<LensContext, 'device' | 'loaded' | 'cache' | 'pace' | 'keptBytes'> & {
  readonly provider?: Runtime['provider'];
};

/**
 * The cost of a request, before anything is run. The CPU's pace comes from a short timing (once, some 100 ms;
 * a typical pace replaces it if the request takes no longer than that) or from the last request; the GPU's
 * and the model's come from the last request that used them. Before that, reading on WASM is estimated from
 * the model's sizes (contract/memory.ts, on one thread).
 * @throws like `lens` before it starts: InputError, and MemoryError naming what would fit
 */
export function lensCost(context: CostContext, value: LensRequest): LensCost {
  const { device, loaded, cache, provider, pace = new LensPace() } = context;
  const request = parseLensRequest(value);
  const plan = planLens(request, loaded, context);
  const { stack, centre } = request;
  const sizes = plan.selections.flatMap((selection) =>
    shapesOf(selection, { stack, centre, layers: selection.layers }, selection.tokens.length).map(
      ({ rows }) => [rows, selection.resolved.model.config.hiddenSize] as const,
    ),
  );
  const area = ([rows, columns]: readonly [number, number]): number => rows * columns;
  const largest = sizes.reduce((a, b) => (area(b) > area(a) ? b : a));
  const passing = plan.passing ? CONTROLS.filter((control) => plan.variants.has(control)) : [];
  const read = [
    ...[...keptOf(plan)]
      .filter(([key, { depth }]) => !cache.has(key, depth))
      .map(([, gathering]) => gathering),
    ...passing.map((control) => plan.variants.get(control)).filter((one) => one !== undefined),
  ];
  const work = workOf(plan, device);
  const [cpu, gpu] = [pace.seconds('cpu', work.cpu), pace.seconds('gpu', work.gpu)];
  return {
    matrices: work.matrices,
    largest,
    bytes: plan.bytes,
    limit: MAX_LENS_BYTES,
    passing,
    reading: {
      samples: read.length * plan.sequences.length,
      tokens: sum(read.map(({ fed }) => fed)),
    },
    seconds: {
      reading: pace.seconds('reading', sum(read.map(readingWork))) ?? fromSizes(read, provider),
      decomposing: cpu === null || gpu === null ? null : cpu + gpu,
    },
  };
}

/** Seconds of reading on one thread of WASM; `null` on WebGPU, and for an ONNX export, whose parts are unknown. */
function fromSizes(read: readonly Gathering[], provider: Runtime['provider'] | undefined): number | null {
  if (provider !== 'wasm' || read.some(({ resolved }) => resolved.model.onnx)) return null;
  return sum(
    read.map(({ resolved, columns, depth, run }) => {
      const purpose = { kind: 'see', sequences: 1, tokens: columns, layers: { run, kept: depth } } as const;
      return estimateMemory(sizesOf(resolved.model.config), provider, purpose).seconds ?? 0;
    }),
  );
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
