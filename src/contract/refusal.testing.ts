import { expect } from 'vitest';
import { RunConfigError } from './complaints';

/** The message with which the work is refused; fails the test if it is not. */
export const refusal = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(RunConfigError);
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
};
