import type { Desk } from './desk';
import type { LoriWorkbench } from './workbench';

/** What a workbench keeps to itself, in the form that a test needs of it. */
export const insideOf = <T>(workbench: LoriWorkbench): T =>
  (workbench as unknown as { desk: Desk }).desk as unknown as T;
