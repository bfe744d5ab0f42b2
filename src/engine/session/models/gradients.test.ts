import { afterAll, beforeAll } from 'vitest';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { describeGradients } from './gradients.testing';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

/** float32 against float64, factor by factor; required is 1e-3. */
const NEAR = 5e-5;
describeGradients(/./, () => ({ runtime }), [
  ['f32', 'one program', 'f32', NEAR],
  ['f32', 'small programs', 'f32', NEAR],
  // The values are multiples of 1/512, which float16 holds.
  ['half', 'one program', 'f32', NEAR],
  ['int8', 'one program', 'int8', NEAR],
  ['int4', 'one program', 'int4', NEAR],
]);
// When bound, 16 bits are block fixed-point with scales that are powers of two, which hold these values too.
describeGradients(/./, () => ({ runtime }), [
  ['half', 'small programs', 'f32', NEAR],
  ['int8', 'small programs', 'int8', NEAR],
  ['int4', 'small programs', 'int4', NEAR],
]);
