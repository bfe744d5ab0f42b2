import { afterAll, beforeAll } from 'vitest';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { describeBinding } from './binding.testing';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

describeBinding(() => ({ runtime }));
