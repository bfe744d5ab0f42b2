import { describe, expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { mounting } from '../../mount.testing';
import { type DoubleOptions, engineError } from '../../workbench.testing';
import { CheckCard } from './CheckCard';

const mount = mounting();

function show(options: DoubleOptions = {}) {
  return mount(<CheckCard />, options);
}

const button = (name: string | RegExp) => page.getByRole('button', { name });

describe('the card "Check this device"', () => {
  it('shows the outcome in a sentence, every verdict in words, and why a kernel did not run', async () => {
    const app = show();
    await button('Check this device').click();
    await expect.element(page.getByText(/2 of 3 kernels did not reproduce/)).toBeVisible();
    await expect.element(page.getByText(/Anchor loss did not run: shader/)).toBeVisible();
    const table = page.getByRole('table', { name: /Largest errors/ });
    await expect.element(table).toMatchTextContent(/SVD.*✓ passed.*1\.0e−7.*CPU twin/);
    await expect.element(table).toMatchTextContent(/Moments.*✕ too far off.*3\.0e−4/);
    await expect.element(table).toMatchTextContent(/✕ did not run/);
    await expect.element(button('The check: save as CSV')).toBeVisible();
    await app.actions.openDevice('wasm');
    await expect.element(page.getByText(/on the device that was open before/)).toBeVisible();
    await expect.element(button('Check again')).toBeEnabled();
  });

  it('tells of progress and breaks off on request', async () => {
    const app = show({ pace: 30 });
    await button('Check this device').click();
    await expect.element(page.getByText(/of 8 kernels/)).toBeVisible();
    await expect.element(button('Check this device')).toBeDisabled();
    await button('Cancel the check').click();
    await expect.element(button('Check this device')).toBeEnabled();
    expect(app.store.getState().check.task.status).toBe('idle');
  });

  it('shows why there is no check', async () => {
    show({ failures: { checkDevice: engineError('numeric', 'nothing adds up', 'Try again.') } });
    await button('Check this device').click();
    await expect.element(page.getByRole('alert')).toMatchTextContent(/The device was not checked.*adds up/);
  });
});
