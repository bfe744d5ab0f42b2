import { describe, expect, it } from 'vitest';
import { type CausalRequest, FIGURE_6 } from '../../../contract/lens';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { tinyRunBy } from '../runs/tiny-run.testing';
import { LoriWorkbench } from '../workbench';
import type { LoadedModel } from './pair';
import { checkPositions } from './positions';

const model = (maxPositions?: number) =>
  ({
    config: maxPositions === undefined ? {} : { maxPositions },
    report: { name: 'tiny' },
  }) as unknown as LoadedModel;

describe('positions past the model’s', () => {
  it('are refused by name; as many as it has are accepted, and any number if it names no limit', () => {
    const check = (max: number | undefined, needed: number) => () =>
      checkPositions(model(max), needed, 'train-3', 'Choose another.');
    expect(check(10, 11)).toThrow(
      expect.objectContaining({
        code: 'input',
        message: 'train-3 takes 11 positions; tiny has 10 (by its config.json)',
        hint: 'Choose another.',
      }),
    );
    check(10, 10)();
    check(undefined, 1e6)();
  });

  it('are refused by lens, causal test, decoding and training', async () => {
    // Its problems take about 25 tokens per question.
    const files = await tinyPair({ config: { max_position_embeddings: 12 } });
    const workbench = new LoriWorkbench(tinyEnvironment(files));
    await workbench.open('wasm');
    await workbench.loadPair('models');
    const problems = { kind: 'problems', seed: 1, samples: 2 } as const;
    const causal: CausalRequest = {
      subject: { kind: 'teacher' },
      problems: 2,
      layers: [1],
      ranks: [1],
      positions: 'generated',
      centre: false,
      samples: 2,
      seed: 1,
      random: false,
    };
    const question = 'Tom has 12 apples.';
    for (const [call, by] of [
      [
        () => workbench.lens({ ...FIGURE_6, source: problems }),
        /train-\d+ takes \d+ positions; tiny-teacher has 12/,
      ],
      [
        () =>
          workbench.lens({
            ...FIGURE_6,
            selections: [{ subject: { kind: 'base' }, sections: ['text'] }],
            source: { kind: 'texts', texts: ['a', question.repeat(9)] },
          }),
        /text-2 takes \d+ positions; tiny-base has 12/,
      ],
      [() => workbench.causal(causal), /train-\d+ takes \d+ positions; tiny-teacher has 12/],
      [
        () => workbench.openQuestion({ question, student: 'base' }),
        /Decoding, .* takes \d+ positions; tiny-base has 12/,
      ],
      [() => workbench.explicit(question), /Decoding, .* takes \d+ positions; tiny-teacher has 12/],
      [() => workbench.distil(tinyRunBy('ce')), /takes \d+ positions; tiny-base has 12/],
      [() => workbench.distil(tinyRunBy('lori')), /takes \d+ positions; tiny-base has 12/],
    ] as const) {
      const failed = call();
      await expect(failed).rejects.toMatchObject({ code: 'input' });
      await expect(failed).rejects.toThrow(by);
    }
    await workbench.close();
  });

  it('in a run are refused before the teacher is read', async () => {
    const workbench = new LoriWorkbench(
      tinyEnvironment(await tinyPair({ teacherConfig: { max_position_embeddings: 30 } })),
    );
    await workbench.open('wasm');
    await workbench.loadPair('models');
    const phases: unknown[] = [];
    const run = workbench.distil(tinyRunBy('lori'), {
      report: (event) => event.kind === 'progress' && phases.push(event.progress.phase),
    });
    await expect(run).rejects.toThrow(/the teacher pass takes \d+ positions; tiny-teacher has 30/);
    expect(phases).toEqual([]);
    await workbench.close();
  });
});
