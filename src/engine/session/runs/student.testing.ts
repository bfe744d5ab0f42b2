import { parseRunConfig } from '../../../contract/config';

/** What a student has besides its adapter, where a test does not ask for it. */
export const ANY = { id: 'student-1', config: parseRunConfig({}), step: 5 };
