import { parseRunConfig } from '../../../contract/config';

/** What a student has besides its adapter, for tests that do not care about it. */
export const ANY = { id: 'student-1', config: parseRunConfig({}), step: 5 };
