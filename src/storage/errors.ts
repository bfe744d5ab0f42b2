/**
 * A failure of this browser's storage in plain words: browsers give no message, or one meant for programmers.
 */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly code = 'storage';

  constructor(
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Runs `work` and turns its failures into `StorageError`. */
export async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw storageError(cause);
  }
}

/** @returns the same error if it is already a `StorageError` */
export function storageError(cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  const { name = 'Error', message = '' } = cause instanceof Error ? cause : { message: String(cause) };
  if (isFull(cause))
    return new StorageError(
      'the browser has no room left for this site (QuotaExceededError)',
      'Delete kept runs or stored models, or free space on the disk.',
      { cause },
    );
  return new StorageError(
    `the browser's storage failed: ${message === '' ? name : `${message.replace(/\.$/, '')} (${name})`}`,
    'Reload the page. If it happens again, allow this site to keep data.',
    { cause },
  );
}

/** What is thrown when the disk took only the first `written` bytes of a file of `size`. */
export const fellShort = (name: string, written: number, size: number, cause?: unknown): StorageError =>
  new StorageError(
    `${name}: only ${written} of ${size} bytes could be written; the browser has no room left for this site`,
    'Delete kept runs or stored models, or free space on the disk, and then resume the download: what has arrived is kept.',
    { cause },
  );

/** Whether the browser says that there is no room left. */
export const isFull = (cause: unknown): boolean =>
  (cause as Error | undefined)?.name === 'QuotaExceededError';
