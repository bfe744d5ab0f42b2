import { describe, expect, it } from 'vitest';
import { TINY_FAMILIES, tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { LoriWorkbench } from '../workbench';
import { figure6, losses, tinyRun } from './tiny-run.testing';

describe.each(Object.entries(TINY_FAMILIES))('a pair of the family %s', (family, options) => {
  it('is distilled, decoded and decomposed', async () => {
    const workbench = new LoriWorkbench(tinyEnvironment(await tinyPair(options)));
    await workbench.open('wasm');
    const { models } = await workbench.loadPair('models');
    expect(models.map(({ modelType }) => modelType)).toEqual([family, family]);
    const steps = await losses(workbench, tinyRun({ optimiser: { steps: 12, learningRate: 1e-2 } } as never));
    expect(steps.every(Number.isFinite)).toBe(true);
    // Batches differ, so compare means: that of the last steps is below that of the first.
    const mean = (some: readonly number[]) => some.reduce((sum, x) => sum + x, 0) / some.length;
    expect(mean(steps.slice(-4))).toBeLessThan(mean(steps.slice(0, 4)));
    const { selections } = await workbench.lens(figure6(3, 1));
    expect(selections[0]?.spectra[0]?.sigma.every((x) => Number.isFinite(x))).toBe(true);
    await workbench.close();
  });
});
