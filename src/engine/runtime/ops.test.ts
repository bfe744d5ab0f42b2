import { describeOps } from './ops.testing';
import { createRuntime } from './runtime';

// Sums of at most 40 terms in f32 (6e-8 each), and exp, tanh and erf approximated to 1e-6.
describeOps('WASM', () => createRuntime({ provider: 'wasm' }), 4e-6, true);
