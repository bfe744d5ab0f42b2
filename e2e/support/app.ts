/**
 * The fixture for every e2e test: the production build under the production headers, in a page that must stay clean.
 * A console error, an uncaught error or a violation of the security policy fails the test in which it occurs.
 */
import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type Page } from '@playwright/test';

export interface Complaints {
  /** All complaints of the page so far, one line each. */
  readonly seen: string[];
  /** Accepts complaints that match, in a test that provokes them: `complaints.allow(/device lost/)`. */
  allow(pattern: RegExp): void;
}

function watch(page: Page): { complaints: Complaints; unexpected(): string[] } {
  const seen: string[] = [];
  const allowed: RegExp[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') seen.push(`console error: ${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => seen.push(`page error: ${error.stack ?? error.message}`));
  page.on('crash', () => seen.push('the page crashed'));
  page.on('requestfailed', (request) => {
    // A request that the page itself cancelled is not a complaint.
    const reason = request.failure()?.errorText ?? '';
    if (reason !== 'net::ERR_ABORTED') seen.push(`request failed: ${request.url()} ${reason}`);
  });
  return {
    complaints: { seen, allow: (pattern) => void allowed.push(pattern) },
    unexpected: () => seen.filter((line) => !allowed.some((pattern) => pattern.test(line))),
  };
}

/** Violations are also collected by the page itself: some of them never reach the console. */
const collectViolations = () => {
  const seen: string[] = [];
  (globalThis as unknown as { policyViolations: string[] }).policyViolations = seen;
  document.addEventListener('securitypolicyviolation', (event) => {
    seen.push(
      `policy violation: ${event.effectiveDirective} blocked ${event.blockedURI || event.sample} (${event.sourceFile})`,
    );
  });
};

/** The violations of the security policy in the page so far, one line each. */
export const violationsOf = (page: Page) =>
  page.evaluate(() => (globalThis as unknown as { policyViolations?: string[] }).policyViolations ?? []);

export const test = base.extend<{ complaints: Complaints; app: Page }, { browserOfItsOwn: boolean }>({
  /** Whether a file's tests share no browser with those of other files: Playwright starts another one for another value. */
  browserOfItsOwn: [false, { option: true, scope: 'worker' }],
  complaints: [
    async ({ page }, use) => {
      const { complaints, unexpected } = watch(page);
      await page.addInitScript(collectViolations);
      await use(complaints);
      if (!page.isClosed()) complaints.seen.push(...(await violationsOf(page).catch(() => [])));
      expect(unexpected(), 'the page must not complain').toEqual([]);
    },
    { auto: true },
  ],
  /** The page, opened at its first panel after the guided run, which a first visit without a link would show. */
  app: async ({ page, complaints: _watched }, use) => {
    await page.goto('./#/model');
    await use(page);
  },
});

/** Fails with the rule, the element and the help text of each accessibility violation (WCAG 2.2 A and AA). */
export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze();
  const lines = violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id}: ${help}: ${node.target.join(' ')}`),
  );
  expect(lines, 'accessibility violations').toEqual([]);
}

export { expect };
