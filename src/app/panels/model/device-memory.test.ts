import { afterEach, describe, expect, it, vi } from 'vitest';
import { memoryWarning, reportedMemory } from './device-memory';

const GIB = 2 ** 30;
const estimate = (total: number, fits = true) => ({ total, fits, available: 4 * GIB });

afterEach(() => vi.unstubAllGlobals());

describe('the memory of the device', () => {
  it('is what the browser reports, where it does', () => {
    for (const [deviceMemory, read] of [
      [2, 2],
      [0.25, 0.25],
      [undefined, undefined],
      [Number.NaN, undefined],
      ['8', undefined],
    ]) {
      vi.stubGlobal('navigator', { deviceMemory });
      expect(reportedMemory()).toBe(read);
    }
  });

  it('is named with its source beside what takes more', () => {
    const estimates = {
      'Hidden states': estimate(1.9 * GIB),
      Generation: estimate(2.1 * GIB),
      'Training step': estimate(3 * GIB),
    };
    const said = memoryWarning(estimates, 2);
    expect(said).toContain('about 2 GB of memory, as the browser reports it (navigator.deviceMemory');
    expect(said).toContain('less than the total of Generation, Training step.');
    expect(memoryWarning(estimates, 4)).toBeNull();
    expect(memoryWarning(estimates, undefined)).toBeNull();
  });

  it('says nothing of what does not fit anyway, of a GPU, and of a figure at the cap', () => {
    expect(memoryWarning({ Generation: estimate(5 * GIB, false) }, 2)).toBeNull();
    expect(memoryWarning({ Generation: { ...estimate(3 * GIB), available: undefined } }, 2)).toBeNull();
    expect(memoryWarning({ 'Training step': estimate(9 * GIB) }, 8)).toBeNull();
  });
});
