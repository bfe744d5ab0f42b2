import { memoryStore, type Store } from '../../storage/store';
import type { StudentShelf } from '../../storage/students';
import { memoryStudents } from '../../storage/students.testing';

/** A browser: what one of its pages stores is there for the next. */
export interface Browser {
  readonly storage: Store;
  readonly students: StudentShelf;
}

export const browser = (): Browser => ({
  storage: { ...memoryStore('test'), unavailable: null },
  students: memoryStudents(),
});
