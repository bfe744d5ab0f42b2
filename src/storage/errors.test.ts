import { expect, it } from 'vitest';
import { StorageError, storageError } from './errors';

it('names a failure that the browser left without words', () => {
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
