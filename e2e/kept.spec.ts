import type { Page } from '@playwright/test';
import { expect, expectAccessible, test } from './support/app';
import { countSteps, startFrom } from './support/run-page.mjs';

/** Steps between two snapshots. */
const EVERY = 5;
const STEPS = 40;

const config = {
  version: 2,
  method: 'ce',
  data: { samples: 4, validation: 0, heldOut: 4 },
  optimiser: { steps: STEPS, batch: 2 },
  observation: { every: 0 },
  keeping: { every: EVERY },
};

const LONG = 90_000;

test('a run is trained on after a reload, the end of its worker and a crash; its student is used later', {
  tag: '@slow',
}, async ({ page: first, context, complaints }) => {
  const steps = countSteps();
  await steps.watch(context);
  await first.goto('./#/distil');
  await startFrom(first, config);

  /** Ends the run after it has reached `step`, and has it trained on. */
  const endAt = async (step: number, end: () => Promise<Page>) => {
    await steps.reach(step, LONG);
    const page = await end();
    const button = page.getByRole('button', { name: /^Resume from step \d+$/ }).first();
    await expect(button).toBeVisible({ timeout: LONG });
    const from = Number(/\d+/.exec((await button.textContent()) ?? '')?.[0]);
    const lost = steps.last - from;
    expect(lost).toBeGreaterThanOrEqual(0);
    expect(lost).toBeLessThanOrEqual(EVERY);
    return { page, from, button };
  };
  const resume = async ({ from, button }: Awaited<ReturnType<typeof endAt>>) => {
    steps.last = 0;
    await button.click();
    await steps.reach(from + 1, LONG);
    // A snapshot that was being written when the engine ended may have been finished since the offer was read.
    expect(steps.first - 1 - from === 0 || steps.first - 1 - from === EVERY).toBe(true);
  };

  first.on('dialog', (dialog) => void dialog.accept());
  const reloaded = await endAt(2, async () => {
    await first.reload();
    return first;
  });
  await expect(first.getByRole('region', { name: 'An interrupted run' })).toContainText(`of ${STEPS}`);
  await expectAccessible(first);
  await resume(reloaded);

  await resume(
    await endAt(8, async () => {
      const engine = first.workers().find((worker) => /\/host-[^/]*\.js/.test(worker.url()));
      void engine?.evaluate(() => globalThis.close()).catch(() => {});
      return first;
    }),
  );

  complaints.allow(/crashed/);
  const crashed = await endAt(14, async () => {
    const session = await context.newCDPSession(first);
    await Promise.all([
      first.waitForEvent('crash'),
      Promise.resolve(void session.send('Page.crash').catch(() => {})),
    ]);
    const next = await context.newPage();
    await next.goto('./#/distil');
    return next;
  });
  const { page } = crashed;
  await resume(crashed);
  await expect(page.getByText(/of 4 held-out problems right/)).toBeVisible({ timeout: LONG });
  await expect(page.getByText(new RegExp(`in ${STEPS} steps`))).toBeVisible();
  await expect(page.getByText(new RegExp(`student at step ${STEPS}`))).toHaveCount(1);

  await page.reload();
  await page.getByRole('button', { name: /^Use as teacher: student of/ }).click();
  await expect(page.getByText(/is the teacher of the next run/)).toBeVisible({ timeout: 60_000 });
  await page.getByRole('button', { name: /^Use student of/ }).click();
  await expect(page.getByText('student in use')).toBeVisible({ timeout: LONG });
  await expectAccessible(page);
  await page.getByRole('tab', { name: 'Latents' }).click();
  await expect(page.getByText(new RegExp(`step ${STEPS}`)).first()).toBeVisible();
  await page.close();
});
