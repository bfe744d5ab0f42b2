import type { BrowserContext, Page } from '@playwright/test';

export interface StepCount {
  last: number;
  readonly first: number;
  watch(context: BrowserContext): Promise<void>;
  reach(step: number, limit: number): Promise<number>;
}
export function countSteps(): StepCount;
export function startFrom(page: Page, config: object): Promise<void>;
