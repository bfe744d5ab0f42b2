import { StorageError } from './errors';
import type { KeptStudent, StudentShelf } from './students';

/** Students in memory, for tests of the page. */
export function memoryStudents(): StudentShelf {
  const files = new Map<string, KeptStudent & { readonly file: Uint8Array<ArrayBuffer> }>();
  return {
    unavailable: null,
    list: async () => [...files.values()].map(({ file: _file, ...kept }) => kept),
    write: async (run, { file, step, steps, status }) => {
      files.set(run, { run, step, steps, status, bytes: file.byteLength, file: file.slice() });
    },
    read: async (run) => {
      const found = files.get(run);
      if (!found) throw new StorageError(`no student of the run ${run} is kept`, 'Start the run again.');
      return found.file;
    },
    remove: async (run) => {
      files.delete(run);
    },
    room: async () => 2 ** 30,
  };
}
