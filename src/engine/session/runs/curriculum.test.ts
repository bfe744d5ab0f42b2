import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ConfigOf, parseRunConfig, type RunConfig } from '../../../contract/config';
import { type Reasoning, thoughtsIn } from '../../decode/reasoning';
import type { EvaluationOptions } from '../../eval/accuracy';
import { SMALLEST } from '../../testing/tiny-pair.testing';
import type { LoriWorkbench } from '../workbench';
import { openTiny } from './keep-all.testing';
import { losses, tinyRunBy, watch } from './tiny-run.testing';

/** How the student reasons in each measurement of an accuracy, in turn. */
const measured = vi.hoisted((): Reasoning[] => []);
vi.mock('../../eval/accuracy', async (original) => {
  const real = await original<typeof import('../../eval/accuracy')>();
  const accuracy = (options: EvaluationOptions) => {
    measured.push(options.reasoning);
    return real.accuracy(options);
  };
  return { ...real, accuracy };
});

let workbench: LoriWorkbench;
beforeAll(async () => {
  workbench = await openTiny(SMALLEST);
});
afterAll(() => workbench.close());
beforeEach(() => {
  measured.length = 0;
});

/** Three stages: nothing is replaced, the first step by two latents, all steps. An epoch is three steps. */
const coconut = (curriculum: object, steps: number, evaluation: object = {}, validation = 0): RunConfig => {
  const config = tinyRunBy('coconut', {
    data: { samples: 6, validation, heldOut: 0 },
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
  const runOf = async (every: number) => {
    const { events, report } = watch();
    await workbench.distil(coconut({ stageSteps: 2 }, 6, { every }, 3), { report });
    return events.flatMap((event) => {
      if (event.kind === 'stage') return [`stage ${event.stage} from step ${event.step}`];
      return event.kind === 'evaluation' ? [`${event.set} after step ${event.step}`] : [];
    });
  };
  const reasonings = () =>
    measured.map((one) => `${thoughtsIn(one)} latents${one.explicit ? ', then written steps' : ''}`);

  it('of a stage is measured before the next one begins, as the student reasons in that stage', async () => {
    expect(await runOf(3)).toEqual([
      'stage 1 from step 1',
      'validation after step 2',
      'stage 2 from step 3',
      'validation after step 3',
      'validation after step 4',
      'stage 3 from step 5',
      'validation after step 6',
    ]);
    expect(reasonings()).toEqual([
      '0 latents, then written steps',
      '2 latents, then written steps',
      '2 latents, then written steps',
      '2 latents',
    ]);
  });

  it('is measured once where a stage ends with a step after which it is measured anyway', async () => {
    expect(await runOf(2)).toEqual([
      'stage 1 from step 1',
      'validation after step 2',
      'stage 2 from step 3',
      'validation after step 4',
      'stage 3 from step 5',
      'validation after step 6',
    ]);
    expect(reasonings()).toEqual([
      '0 latents, then written steps',
      '2 latents, then written steps',
      '2 latents',
    ]);
  });
});
