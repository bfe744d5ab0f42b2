import type { HostData } from '../base/dtype';
import type { Binding, Executable } from '../runtime/executable';
import type { Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import type { StateTensors } from './state';

/**
 * What a step writes where tensors are in host memory. ONNX Runtime returns every output in an array of its own; whole keys
 * and values, 12 MB a token at 30 layers and 256 columns, took longer in a browser than the step itself, by page faults and
 * garbage. So a step returns its own position's, and the next state's are made here, in arrays that were used before.
 */

/** Name of the output that has the own position's row of a state's tensor `k.{i}` or `v.{i}`. */
export const ownOutput = (name: string): string => `own ${name}`;

type Bindings = Pick<Executable, 'inputs' | 'outputs'>;

/** What such a program gives rows of, with the shape of the whole; nothing for other programs. */
const rowsOf = ({ inputs, outputs }: Bindings) =>
  [...inputs].filter(([name]) => outputs.has(ownOutput(name)));

/** The tensors of the state that a program's outputs become. */
export function stateBindings(program: Bindings): ReadonlyMap<string, Binding> {
  const rows = rowsOf(program);
  const own = new Set(rows.map(([name]) => ownOutput(name)));
  return new Map([...[...program.outputs].filter(([name]) => !own.has(name)), ...rows]);
}

/** The outputs of a step as the next state's tensors. */
export interface OwnRows {
  readonly program: Bindings;
  /** What the program read, with keys and values [B, kv heads, T, d] so far, and what it returned. */
  readonly inputs: StateTensors;
  readonly outputs: StateTensors;
  /** Tensors to write into, as far as there are any. */
  readonly spare: StateTensors;
  readonly runtime: Pick<Runtime, 'empty'>;
  /** Column of the position. */
  readonly column: number;
}

/**
 * Copies of the past's keys and values with the own rows at their column. Frees the rows; if it throws, everything that the
 * program returned but what is in `spare`.
 */
export function withOwnRows({ program, inputs, outputs, spare, runtime, column }: OwnRows): StateTensors {
  const tensors: Record<string, DeviceTensor> = { ...outputs };
  try {
    for (const [name, { shape }] of rowsOf(program)) {
      const own = outputs[ownOutput(name)] as DeviceTensor;
      const target = spare[name] ?? runtime.empty('f32', shape, name);
      tensors[name] = target;
      target.write((inputs[name] as DeviceTensor).data);
      const [B, heads, T, d] = shape as [number, number, number, number];
      for (let row = 0; row < B * heads; row++)
        target.writeAt((row * T + column) * d, own.data.subarray(row * d, (row + 1) * d) as HostData);
      delete tensors[ownOutput(name)];
      own.dispose();
    }
    return tensors;
  } catch (error) {
    for (const [name, tensor] of Object.entries(tensors)) if (spare[name] !== tensor) tensor.dispose();
    throw error;
  }
}
