import { expect, it } from 'vitest';
import { StorageError, storageError } from './errors';

it('describes a failure for which the browser gives no message', () => {
  expect(storageError(new DOMException('', 'QuotaExceededError'))).toMatchObject({
    code: 'storage',
    message: 'the browser has no room left for this site (QuotaExceededError)',
    hint: expect.stringContaining('Delete kept runs'),
  });
  expect(storageError(new DOMException('', 'UnknownError')).message).toBe(
    "the browser's storage failed: UnknownError",
  );
  expect(storageError(new DOMException('It is closing.', 'InvalidStateError')).message).toBe(
    "the browser's storage failed: It is closing (InvalidStateError)",
  );
  const ours = new StorageError('a', 'B.');
  expect(storageError(ours)).toBe(ours);
});
