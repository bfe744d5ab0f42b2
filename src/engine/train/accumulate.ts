import type { HostTensor } from '../base/dtype';
import { Owned } from '../base/owned';
import type { Shape } from '../base/shape';
import { Graph, type Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import type { TapeOutput, TapeRun } from './step';

type Feeds = Readonly<Record<string, HostTensor>>;

/** A step over several batches of a tape. */
export type AccumulatedRun = Omit<TapeRun, 'run'> & {
  /** @param batches as many as it was created for  @param step from 0 */
  run(batches: readonly Feeds[], parameters: readonly DeviceTensor[], step: number): Promise<TapeOutput>;
};

/**
 * Runs a tape on n batches and takes the means of terms and gradients. Each batch draws its own random
 * numbers. Takes over the run, and frees everything if it fails.
 * @param shapes of the gradients
 */
export async function accumulated(
  runtime: Runtime,
  single: TapeRun,
  shapes: readonly Shape[],
  n: number,
): Promise<AccumulatedRun> {
  if (n === 1) return { ...single, run: ([batch], ...rest) => single.run(batch as Feeds, ...rest) };
  return Owned.while(async (owned) => {
    owned.add(single);
    const all = [[single.terms.length], ...shapes];
    const begin = owned.add(await runtime.compile(meansOf(all, n, false)));
    const add = owned.add(await runtime.compile(meansOf(all, n, true)));
    // Two alternating sets of sums: a program cannot write what it reads.
    const sets = [0, 1].map(() =>
      all.map((shape, i) => owned.add(runtime.empty('f32', shape, `accumulated ${i}`))),
    ) as [DeviceTensor[], DeviceTensor[]];
    return {
      ...single,
      programs: single.programs + 2,
      nodes: single.nodes + begin.nodeCount + add.nodeCount,
      async run(batches, parameters, step) {
        let outputs: TapeOutput['outputs'] = {};
        for (const [i, batch] of batches.entries()) {
          const out = await single.run(batch, parameters, step * n + i);
          outputs = out.outputs;
          const own = named('own', [out.terms as DeviceTensor, ...out.gradients]);
          const [next, before] = i % 2 === 0 ? sets : [sets[1], sets[0]];
          if (i === 0) await begin.run(own, named('sum', next));
          else await add.run({ ...own, ...named('before', before) }, named('sum', next));
        }
        const [terms, ...gradients] = sets[(n - 1) % 2] as DeviceTensor[];
        return { terms, gradients, outputs };
      },
      dispose: () => owned.dispose(),
    };
  });
}

const named = <T>(prefix: string, values: readonly T[]): Record<string, T> =>
  Object.fromEntries(values.map((value, i) => [`${prefix}.${i}`, value]));

/** Inputs `own.{i}` and, after the first batch, `before.{i}` → `sum.{i}`: before + own/n. */
function meansOf(shapes: readonly Shape[], n: number, adds: boolean) {
  const graph = new Graph();
  const sums = shapes.map((shape, i): Tensor => {
    const part = o.mul(graph.input(`own.${i}`, shape), 1 / n);
    return adds ? o.add(graph.input(`before.${i}`, shape), part) : part;
  });
  return { name: adds ? 'accumulate' : 'begin to accumulate', outputs: named('sum', sums) };
}
