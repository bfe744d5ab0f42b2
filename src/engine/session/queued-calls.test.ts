import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateDefaults } from '../../contract/generate';
import { momentOf } from '../../contract/latents';
import { type CausalRequest, FIGURE_6, type LensRequest } from '../../contract/lens';
import { CancelledError, InputError } from '../base/errors';
import { tinyEnvironment, tinyPair } from '../testing/tiny-pair.testing';
import { figure6, losses, tinyRun, watch } from './runs/tiny-run.testing';
import { LoriWorkbench } from './workbench';

const QUESTION = 'Tom has 12 apples. He buys 3 more. How many apples does Tom have?';
const GENERATION = {
  subject: { kind: 'teacher' },
  prompt: QUESTION,
  stop: [],
  settings: { ...generateDefaults, temperature: 1, limit: 5 },
} as const;
/** Enough steps for calls to come and go meanwhile. */
const CONFIG = tinyRun({ optimiser: { steps: 14 }, data: { heldOut: 0 }, evaluation: { every: 7 } });
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

let workbench: LoriWorkbench;
/** The run's losses without any other calls. */
let undisturbed: number[];
beforeAll(async () => {
  workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
  undisturbed = await losses(workbench, CONFIG);
});
afterAll(() => workbench.close());

/** One question to the untrained base, through all its thoughts to the answer. */
async function ask(): Promise<string> {
  const { session } = await workbench.openQuestion({ question: QUESTION, student: 'base', steps: 2 });
  await workbench.thought(momentOf(session, 2));
  return (await workbench.answer(momentOf(session, 2))).text;
}

/** The run with `during` called at its second step. */
async function runWith(during: (done: () => number) => Promise<unknown>, signal?: AbortSignal) {
  let other: Promise<unknown> = Promise.resolve();
  const watched = watch((event) => {
    if (event.kind === 'step' && event.step === 2) other = during(() => watched.steps().length);
  });
  const result = await workbench.distil(CONFIG, { report: watched.report, signal });
  await other;
  return { result, losses: watched.steps().map((s) => s.losses.total) };
}

describe('during a run', () => {
  it('serves calls between two steps without changing a bit of the losses', async () => {
    const alone = await ask();
    const generated = await workbench.generate(GENERATION);
    const seen: number[] = [];
    const run = await runWith(async (done) => {
      await workbench.lens(figure6(2, 1));
      seen.push(done());
      expect(await ask()).toBe(alone);
      seen.push(done());
      await workbench.explicit(QUESTION);
      seen.push(done());
      expect((await workbench.generate(GENERATION)).samples).toEqual(generated.samples);
      const states = { source: figure6(2, 1).source, sections: ['rationale'], layers: null } as const;
      await workbench.exportStates({ ...states, subject: { kind: 'teacher' }, format: 'npy' });
      seen.push(done());
    });
    // Each call ended before the run did, and the run continued meanwhile.
    expect(seen[0]).toBeGreaterThanOrEqual(2);
    expect(seen[1]).toBeGreaterThan(seen[0] as number);
    expect(seen[3]).toBeLessThan(14);
    expect(run.losses).toEqual(undisturbed);
  });

  it('shows the current student to the lens and the causal test', async () => {
    const { losses: with_ } = await runWith(async () => {
      await pause(1);
      const [untrained] = await workbench.checkpoints();
      const subject = { kind: 'student', checkpoint: untrained?.id as number } as const;
      const report = await workbench.lens({
        ...FIGURE_6,
        source: { kind: 'problems', seed: 1, samples: 2 },
        selections: [{ subject, sections: ['latent'] }],
      } satisfies LensRequest);
      expect(report.selections[0]).toMatchObject({
        label: 'student, step 0',
        model: expect.stringMatching(
          /^tiny-base, LoRi, statistics over results, \d+ samples, seed \d+, .*step 0$/,
        ),
        layers: 2,
      });
      const causal: CausalRequest = {
        subject,
        problems: 2,
        layers: [2],
        ranks: [1],
        positions: 'generated',
        centre: false,
        samples: 2,
        seed: 1,
        random: false,
      };
      const points: number[] = [];
      const { whole } = await workbench.causal(causal, {
        report: (event) => 'kind' in event && points.push(event.point.rank),
      });
      expect(whole.total).toBe(2);
      expect(points).toEqual([1]);
      // The run has continued meanwhile.
      expect(await workbench.control('resume')).toBeUndefined();
    });
    expect(with_).toEqual(undisturbed);
  });

  it('is not affected by a call that fails or is cancelled', async () => {
    const { losses: with_ } = await runWith(async () => {
      await expect(workbench.explicit('')).rejects.toThrow('has no tokens');
      const waiting = new AbortController();
      const call = workbench.lens(figure6(2, 1), { signal: waiting.signal });
      waiting.abort();
      await expect(call).rejects.toThrow(CancelledError);
      const working = new AbortController();
      const begun = workbench.lens(figure6(9, 1), { signal: working.signal, report: () => working.abort() });
      await expect(begun).rejects.toThrow(CancelledError);
    });
    expect(with_).toEqual(undisturbed);
  });

  it('keeps a question for the previous student open until the run has a student', async () => {
    let session = 0;
    await runWith(async () => {
      ({ session } = await workbench.openQuestion({ question: QUESTION, student: 'trained' }));
      await workbench.thought(momentOf(session, 1));
    });
    await expect(workbench.thought(momentOf(session, 1))).rejects.toThrow('no longer open');
  });

  it('does not let its models be replaced or another run begin', async () => {
    const { losses: with_ } = await runWith(async () => {
      await expect(workbench.open('wasm')).rejects.toThrow(
        'cannot open a provider while a run is in progress',
      );
      await expect(workbench.loadPair('models')).rejects.toThrow(InputError);
      await expect(workbench.distil(CONFIG)).rejects.toThrow('a run is already in progress');
    });
    expect(with_).toEqual(undisturbed);
  });
});

describe('while a run is paused', () => {
  it('serves calls at once without continuing, and without changing a bit of the losses', async () => {
    let at: number[] = [];
    let paused = 0;
    const begun = performance.now();
    const { losses: with_, result } = await runWith(async (done) => {
      await workbench.control('pause');
      await pause(20);
      const start = performance.now();
      at = [done()];
      await ask();
      await expect(workbench.explicit(' ')).rejects.toThrow('has no tokens');
      await workbench.lens(figure6(1, 1));
      await expect(workbench.loadPair('models')).rejects.toThrow('while a run is in progress');
      await pause(300);
      at.push(done());
      paused = performance.now() - start;
      await workbench.control('resume');
    });
    expect(at).toEqual([2, 2]);
    expect(with_).toEqual(undisturbed);
    expect(result.steps).toBe(14);
    // Neither the pause nor the work done in it counts as training.
    expect(paused).toBeGreaterThan(300);
    const { teacher, compile, train, evaluate } = result.seconds;
    expect(teacher + compile + train + evaluate).toBeLessThan(
      (performance.now() - begun - 0.9 * paused) / 1000,
    );
  });

  it('serves a waiting call even though the run is cancelled', async () => {
    const abort = new AbortController();
    let answer: Promise<string> | undefined;
    const run = runWith(async () => {
      answer = ask();
      abort.abort();
    }, abort.signal);
    await expect(run).rejects.toThrow(CancelledError);
    expect(await answer).toBe(await ask());
  });

  it('cannot be delayed once it is cancelled', async () => {
    const abort = new AbortController();
    const run = runWith(async () => {
      abort.abort();
      await workbench.control('pause');
    }, abort.signal);
    await expect(run).rejects.toThrow(CancelledError);
  });

  it('lets a provider be opened after the run was told to stop', async () => {
    let opened: Promise<unknown> | undefined;
    await runWith(async () => {
      await workbench.control('pause');
      await workbench.control('stop');
      opened = workbench.open('wasm');
    });
    expect(await opened).toMatchObject({ provider: 'wasm' });
    expect(await losses(workbench, CONFIG)).toEqual(undisturbed);
  });
});
