/** `vi.waitFor` gives up after a second otherwise, which is too short on a loaded machine, and takes no setting. */
import { vi } from 'vitest';

const { waitFor } = vi;
if (waitFor.name !== 'waitPatiently')
  vi.waitFor = function waitPatiently(callback, options = { timeout: 15_000 }) {
    return waitFor(callback, options);
  };
