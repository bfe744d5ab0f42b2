/**
 * Node tests run ONNX Runtime on one thread: their models are so small that a second thread mostly waits for the first,
 * and as many test files as there are cores run at a time. Two threads run in the browser and e2e tests.
 */
Object.defineProperty(globalThis, 'navigator', { value: { hardwareConcurrency: 1 }, configurable: true });
