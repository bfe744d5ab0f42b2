import type { Desk } from './desk';
import type { LoriWorkbench } from './workbench';

/** A workbench's private members, typed as a test needs them. */
export const insideOf = <T>(workbench: LoriWorkbench): T =>
  (workbench as unknown as { desk: Desk }).desk as unknown as T;
