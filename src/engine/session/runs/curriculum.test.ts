import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ConfigOf, parseRunConfig, type RunConfig } from '../../../contract/config';
import type { RunEvent } from '../../../contract/events';
import { Decoder } from '../../decode/decoder';
import { SMALLEST } from '../../testing/tiny-pair.testing';
import type { LoriWorkbench } from '../workbench';
import { openTiny } from './keep-all.testing';
import { losses, tinyRunBy } from './tiny-run.testing';

let workbench: LoriWorkbench;
beforeAll(async () => {
  workbench = await openTiny(SMALLEST);
});
afterAll(() => workbench.close());
afterEach(() => {
  vi.restoreAllMocks();
});

/** Three stages: nothing is replaced, the first step by two latents, all steps. An epoch is three steps, the last of them begun. */
const coconut = (curriculum: object, steps: number, evaluation: object = {}, validation = 0): RunConfig => {
  const config = tinyRunBy('coconut', {
    data: { samples: 5, validation, heldOut: 0 },
    optimiser: { steps, batch: 2 },
    evaluation: { every: 0, ...evaluation },
    observation: { every: 0 },
  }) as ConfigOf<'coconut'>;
  return parseRunConfig({ ...config, curriculum: { stages: 1, latentsPerStep: 2, ...curriculum } });
};

describe('AdamW’s moments are forgotten', () => {
  it.each([
    [2, 'before an epoch'],
    [5, 'after one'],
  ])(
    'by Coconut at a stage, at an epoch or never: stages of %i steps, the first of which ends %s',
    async (stageSteps) => {
      const of = (reset: string) => losses(workbench, coconut({ stageSteps, reset }, 7));
      const never = await of('never');
      expect(never).toHaveLength(7);
      /** The first step of another loss than with all moments kept. */
      const parts = async (reset: string): Promise<number> =>
        (await of(reset)).findIndex((loss, step) => loss !== never[step]);
      // A step without moments shows in the loss of the next one.
      expect(await parts('stage')).toBe(stageSteps + 1);
      expect(await parts('epoch')).toBe(3 + 1);
      expect(await parts('never')).toBe(-1);
    },
  );
});

describe('accuracy', () => {
  /** Stages and evaluations in turn, with the latents that were fed for each evaluation. */
  const runOf = async (every: number) => {
    const told: string[] = [];
    // Nothing else decodes in such a run, and all three problems are answered at once.
    const fed = vi.spyOn(Decoder.prototype, 'advance');
    const report = (event: RunEvent): void => {
      if (event.kind === 'stage') told.push(`stage ${event.stage} from step ${event.step}`);
      if (event.kind !== 'evaluation') return;
      const latents = fed.mock.calls.filter(([, input]) => 'latent' in input).length;
      const written = event.written === undefined ? '' : ', then written steps';
      told.push(`${event.set} after step ${event.step}: ${latents} latents${written}`);
      fed.mockClear();
    };
    await workbench.distil(coconut({ stageSteps: 2 }, 6, { every }, 3), { report });
    return told;
  };

  it('of a stage is measured before the next one begins, as the student reasons in that stage', async () => {
    expect(await runOf(3)).toEqual([
      'stage 1 from step 1',
      'validation after step 2: 0 latents, then written steps',
      'stage 2 from step 3',
      'validation after step 3: 2 latents, then written steps',
      'validation after step 4: 2 latents, then written steps',
      'stage 3 from step 5',
      'validation after step 6: 2 latents',
    ]);
  });

  it('is measured once where a stage ends with a step after which it is measured anyway', async () => {
    expect(await runOf(2)).toEqual([
      'stage 1 from step 1',
      'validation after step 2: 0 latents, then written steps',
      'stage 2 from step 3',
      'validation after step 4: 2 latents, then written steps',
      'stage 3 from step 5',
      'validation after step 6: 2 latents',
    ]);
  });
});
