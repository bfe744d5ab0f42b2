import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { MemoryError } from '../../base/errors';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { made, tinyStep } from '../tiny.testing';
import { compileLayerwise } from './compile';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

it('a step by layers frees everything, whichever allocation or compilation fails', async () => {
  const tiny = tinyStep({ latentSteps: 1, explicit: false });
  const once = async () => {
    const step = await made(tiny, runtime, (model, tape) => compileLayerwise(model, tape));
    try {
      const packs = tiny.packs.map((data) => runtime.upload({ dtype: 'f32', shape: [data.length], data }));
      try {
        await step.run(tiny.feeds, packs);
      } finally {
        for (const pack of packs) pack.dispose();
      }
    } finally {
      await step.dispose();
    }
  };
  let [calls, failing] = [0, 0];
  const spies = (['upload', 'empty', 'compile'] as const).map((name) => {
    const real = runtime[name].bind(runtime) as (...args: unknown[]) => unknown;
    return vi.spyOn(runtime, name).mockImplementation(((...args: unknown[]) => {
      if (++calls !== failing) return real(...args);
      const error = new MemoryError(`${name}, call ${failing}: no room`);
      if (name === 'compile') return Promise.reject(error);
      throw error;
    }) as never);
  });
  const left = () => [runtime.liveTensors, runtime.programCount];
  await once();
  const [settled, all] = [left(), calls];
  expect(all).toBeGreaterThan(10);
  for (let n = 1; n <= all; n += n < 20 ? 1 : 7) {
    [calls, failing] = [0, n];
    await expect(once(), `call ${n} of ${all}`).rejects.toThrow('no room');
    expect(left(), `after call ${n} of ${all} failed`).toEqual(settled);
  }
  for (const spy of spies) spy.mockRestore();
}, 60_000);
