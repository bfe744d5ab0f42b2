import { expect, it } from 'vitest';
import { reportedError } from './gpu-error';

class GPUOutOfMemoryError {
  constructor(readonly message: string) {}
}
class GPUValidationError {
  constructor(readonly message: string) {}
}

it('reports out of memory, whatever errors follow from it', () => {
  const invalid = new GPUValidationError('[Buffer "adapter"] is invalid');
  expect(reportedError([invalid, new GPUOutOfMemoryError('')])).toMatchObject({
    code: 'memory',
    name: 'MemoryError',
    message: expect.stringContaining('the GPU ran out of memory'),
    hint: expect.stringMatching(/Lower the batch size.*WASM/),
  });
  // Browsers differ in the class; the words tell as well.
  expect(reportedError([new GPUValidationError('Failed to allocate memory for buffer')]).code).toBe('memory');
});

it('reports a refused command otherwise, with all messages', () => {
  const error = reportedError([new GPUValidationError('first'), new GPUValidationError('second')]);
  expect(error).toMatchObject({
    code: 'device',
    message: 'the GPU refused a command: first; second',
    hint: expect.stringContaining('a bug in the program'),
  });
});
