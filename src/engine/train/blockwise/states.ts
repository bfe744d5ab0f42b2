import type { HostTensor } from '../../base/dtype';
import { Owned } from '../../base/owned';
import { sizeOf } from '../../base/shape';
import type { Device } from '../../device/device';
import { Graph, type Program, type Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import type { Executable } from '../../runtime/executable';
import type { Runtime } from '../../runtime/runtime';
import type { DeviceTensor } from '../../runtime/tensor';
import type { LossRun, StateLoss } from '../losses/state-loss';
import { tracedRun } from '../losses/traced-run';
import { type Copy, copyAll } from './copy';

/** Whether state losses run as traced programs, or as kernels where they have them. */
export type LossForm = 'traced' | 'kernels';

/** The losses on one set of states, between the forward and the reverse sweep. */
export interface StateLosses {
  readonly runs: readonly LossRun[];
  readonly executables: readonly Executable[];
  /** Gradient of all terms for each of the `pieces` of the last run, [B, H] each. */
  readonly cotangents: readonly DeviceTensor[];
  /** @param pieces states [B, H], in the order of the states' inner axes: (step, block), or block */
  run(pieces: readonly DeviceTensor[], feeds: Readonly<Record<string, HostTensor>>): Promise<void>;
  dispose(): void;
}

/** [N, B, H] ↔ [B, …, H]: pieces lie end to end, so that gathering them is one copy each. */
function arrangePrograms(shape: readonly number[], losses: number): { arrange: Program; spread: Program } {
  const [B, H] = [shape[0] as number, shape[shape.length - 1] as number];
  const N = sizeOf(shape) / (B * H);
  const graph = new Graph();
  const pieces = graph.input('pieces', [N, B, H]);
  const states = o.reshape(o.transpose(pieces, [1, 0, 2]), shape);
  const sum = Array.from({ length: losses }, (_, i) => graph.input(String(i), shape)).reduce((a, b) =>
    o.add(a, b),
  );
  const cotangents: Tensor = o.transpose(o.reshape(sum, [B, N, H]), [1, 0, 2]);
  return {
    arrange: { name: 'states', outputs: { states } },
    spread: { name: 'states in reverse', outputs: { pieces: cotangents } },
  };
}

/**
 * @param shape of the states: [B, K, L, H] or [B, L, H]
 * @param losses one or more, all reading these states
 */
export async function compileStateLosses(
  runtime: Runtime,
  losses: readonly StateLoss[],
  shape: readonly number[],
  form: LossForm,
  device: Device | undefined,
): Promise<StateLosses> {
  const [B, H] = [shape[0] as number, shape[shape.length - 1] as number];
  const N = sizeOf(shape) / (B * H);
  const programs = arrangePrograms(shape, losses.length);
  return Owned.while(async (owned) => {
    const arrange = owned.add(await runtime.compile(programs.arrange));
    const spread = owned.add(await runtime.compile(programs.spread));
    const runs: LossRun[] = [];
    for (const loss of losses) {
      const byKernel = form === 'kernels' ? loss.kernel?.(runtime, shape, device) : undefined;
      runs.push(owned.add(await (byKernel ?? tracedRun(runtime, loss, shape))));
    }
    const empty = (of: readonly number[], label: string): DeviceTensor =>
      owned.add(runtime.empty('f32', of, label));
    const pieces = empty([N, B, H], 'pieces of states');
    const states = empty(shape, 'states');
    const back = empty([N, B, H], 'cotangents of states');
    const cotangents = Array.from({ length: N }, (_, i) => empty([B, H], `cotangent of state ${i}`));
    const collected = Object.fromEntries(runs.map((run, i) => [String(i), run.cotangent]));

    return {
      runs,
      executables: [arrange, spread, ...runs.flatMap((run) => run.executables)],
      cotangents,
      async run(given, feeds) {
        const size = B * H;
        const inward = (piece: DeviceTensor, i: number): Copy => ({
          from: piece,
          fromAt: 0,
          to: pieces,
          toAt: i * size,
          length: size,
        });
        copyAll(given.map(inward), device);
        await arrange.run({ pieces }, { states });
        for (const run of runs) await run.run(states, feeds);
        await spread.run(collected, { pieces: back });
        const outward = (to: DeviceTensor, i: number): Copy => ({
          from: back,
          fromAt: i * size,
          to,
          toAt: 0,
          length: size,
        });
        copyAll(cotangents.map(outward), device);
      },
      dispose: () => owned.dispose(),
    };
  });
}
