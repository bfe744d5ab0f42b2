import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostTensor } from '../base/dtype';
import type { Program, Tensor } from '../graph/graph';
import { interpret } from '../graph/interpret.testing';
import { buildCase, nameOf, OP_CASES, type OpCase } from '../graph/op-cases.testing';
import type { Runtime } from './runtime';
import type { DeviceTensor } from './tensor';

/** Runs `program` once and disposes of every tensor made for it. Outputs start as NaN (or 0xff…). */
export async function runOnce(
  runtime: Runtime,
  program: Program,
  feeds: Readonly<Record<string, HostTensor>>,
): Promise<Record<string, ArrayLike<number>>> {
  const executable = await runtime.compile(program);
  const inputs: Record<string, DeviceTensor> = {};
  const outputs: Record<string, DeviceTensor> = {};
  for (const name of executable.inputs.keys()) inputs[name] = runtime.upload(feeds[name] as HostTensor, name);
  for (const [name, { dtype, shape }] of executable.outputs) {
    const poisoned = runtime.empty(dtype, shape, name);
    const data = (await poisoned.read()).fill(dtype === 'f32' ? Number.NaN : 255);
    poisoned.write(data);
    outputs[name] = poisoned;
  }
  try {
    await executable.run(inputs, outputs);
    const values: Record<string, ArrayLike<number>> = {};
    for (const [name, tensor] of Object.entries(outputs)) values[name] = await tensor.read();
    return values;
  } finally {
    for (const tensor of [...Object.values(inputs), ...Object.values(outputs)]) tensor.dispose();
    executable.dispose();
  }
}

/** Largest |found − expected|, relative to the largest |expected| (at least 1); NaN in the same places counts as 0. */
export function distance(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [worst, scale] = [0, 1];
  for (let i = 0; i < expected.length; i++) {
    const [f, e] = [found[i] as number, expected[i] as number];
    if (Number.isNaN(e) !== Number.isNaN(f)) return Number.POSITIVE_INFINITY;
    if (Number.isNaN(e)) continue;
    scale = Math.max(scale, Math.abs(e));
    worst = Math.max(worst, Math.abs(f - e));
  }
  return worst / scale;
}

const programOf = (c: OpCase, y: Tensor, wrt: readonly Tensor[], gradients: readonly Tensor[]): Program => ({
  name: nameOf(c),
  outputs: { y, ...Object.fromEntries(wrt.map((x, i) => [`d ${x.name}`, gradients[i] as Tensor])) },
});

/** Compares the case's value and gradients on the runtime with the interpreter's; returns the worst distance of each. */
export async function checkCase(
  runtime: Runtime,
  c: OpCase,
  nanAt?: string,
): Promise<Record<string, number>> {
  const { y, wrt, gradients, feeds: drawn } = buildCase(c);
  const feeds = { ...drawn };
  const poisoned = nanAt === undefined ? undefined : feeds[nanAt];
  if (nanAt !== undefined && poisoned) {
    const data = Float32Array.from(poisoned.data);
    data[data.length >> 1] = Number.NaN;
    feeds[nanAt] = { dtype: 'f32', shape: poisoned.shape, data };
  }
  const program = programOf(c, y, wrt, gradients);
  const values = Object.fromEntries(Object.entries(feeds).map(([name, { data }]) => [name, data]));
  const expected = interpret(Object.values(program.outputs), values);
  const found = await runOnce(runtime, program, feeds);
  return Object.fromEntries(
    Object.keys(program.outputs).map((name, i) => [
      name,
      distance(found[name] as Float32Array, expected[i] as Float64Array),
    ]),
  );
}

/** The test body for every provider. @param propagatesNaN whether it distinguishes NaN from a number */
export function describeOps(
  provider: string,
  start: () => Promise<Runtime>,
  tolerance: number,
  propagatesNaN: boolean,
): void {
  describe(`values and gradients on ${provider} against the float64 interpreter`, () => {
    let runtime: Runtime;
    beforeAll(async () => {
      runtime = await start();
    });
    afterAll(async () => {
      expect(runtime.liveTensors).toBe(0);
      expect(runtime.programCount).toBe(0);
      await runtime.dispose();
    });

    test.each(OP_CASES.map((c) => [nameOf(c), c] as const))('%s', async (_name, c) => {
      for (const [name, error] of Object.entries(await checkCase(runtime, c)))
        expect(error, name).toBeLessThan(tolerance);
    });

    const withNaN = OP_CASES.filter((c) => propagatesNaN && !c.losesNaN);
    test.each(withNaN.map((c) => [nameOf(c), c] as const))(
      '%s: NaN ends where it should',
      async (_name, c) => {
        for (const [name, error] of Object.entries(await checkCase(runtime, c, 'a')))
          expect(error, name).toBeLessThan(tolerance);
      },
    );
  });
}
