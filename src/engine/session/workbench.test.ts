import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { momentOf } from '../../contract/latents';
import { CancelledError, InputError, NumericError } from '../base/errors';
import { RECIPES } from '../methods/index';
import type { Recipe } from '../recipes/shared/recipe';
import { serveFiles, tinyEnvironment, tinyPair } from '../testing/tiny-pair.testing';
import { insideOf } from './inside.testing';
import { figure6, losses, tinyRun, tinyRunBy, watch } from './runs/tiny-run.testing';
import { LoriWorkbench } from './workbench';

let files: Awaited<ReturnType<typeof tinyPair>>;
let workbench: LoriWorkbench;
beforeAll(async () => {
  files = await tinyPair();
  workbench = new LoriWorkbench(tinyEnvironment(files));
  await workbench.open('wasm');
  await workbench.loadPair('models');
});
afterAll(() => workbench.close());

const QUESTION = 'Tom has 12 apples. He buys 3 more. How many apples does Tom have?';

/** Phases of a run before its first step. */
const BEFORE_TRAINING = ['teacher', 'factors', 'compile'] as const;

describe('distil', () => {
  it('reports every step, evaluation and phase, and the result', async () => {
    const watched = watch();
    const config = tinyRun();
    const result = await workbench.distil(config, { report: watched.report });
    const steps = watched.steps();
    expect(steps.map((s) => s.step)).toEqual([1, 2, 3, 4, 5]);
    for (const { losses: terms, gradientNorm, learningRate, steps: of } of steps) {
      const { total, ...rest } = terms;
      expect(Object.keys(rest).sort()).toEqual(['anchor', 'answer', 'covariance', 'mean']);
      for (const value of Object.values(rest)) expect(value).toBeGreaterThan(0);
      expect(total).toBeCloseTo(
        Object.values(rest).reduce((a, b) => a + b, 0),
        10,
      );
      expect(gradientNorm).toBeGreaterThan(0);
      expect(learningRate).toBeGreaterThan(0);
      expect(of).toBe(5);
    }
    const evaluations = watched.events.filter((e) => e.kind === 'evaluation');
    expect(evaluations.map((e) => [e.set, e.step, e.accuracy.total])).toEqual([
      ['validation', 2, 3],
      ['validation', 4, 3],
      ['validation', 5, 3],
      ['held-out', 5, 4],
    ]);
    const phases = watched.events.filter((e) => e.kind === 'progress').map((e) => e.progress);
    expect([...new Set(phases.map((p) => p.phase))]).toEqual(['teacher', 'factors', 'compile', 'evaluate']);
    for (const { phase, unit } of phases)
      expect(unit === 'problems', `${unit} in ${phase}`).toBe(phase === 'evaluate');
    expect(result).toMatchObject({ config, status: 'done', steps: 5, provider: 'wasm' });
    expect(result.heldOut?.total).toBe(4);
    expect(result.teacher?.total).toBe(4);
    expect(Object.keys(result.models)).toEqual(['tiny-base', 'tiny-teacher']);
    // H 32, I 48, 4 heads and 2 key heads of 8: in + out of the seven linears, times r = 2, times 2 layers.
    expect(result.trainable).toBe(2 * 2 * (64 + 48 + 48 + 64 + 80 + 80 + 80));
    for (const seconds of Object.values(result.seconds)) expect(seconds).toBeGreaterThan(0);
  });

  it('repeats losses to the bit for the same seed, and differs for another', async () => {
    const config = tinyRun({ weights: { explicit: 0.5 } });
    const first = await losses(workbench, config);
    expect(await losses(workbench, config)).toEqual(first);
    const fresh = new LoriWorkbench(tinyEnvironment(files));
    await fresh.open('wasm');
    await fresh.loadPair('models/');
    expect(await losses(fresh, config)).toEqual(first);
    await fresh.close();
    const other = await losses(workbench, { ...config, seed: 2 });
    expect(other).toHaveLength(first.length);
    other.forEach((loss, i) => {
      expect(loss).not.toBe(first[i]);
    });
  });

  it('does not let validation, held-out problems or reporting change the training', async () => {
    const config = tinyRun({ data: { samples: 3, validation: 0, heldOut: 0 } });
    const alone = await losses(workbench, config);
    const longest = (problems: readonly { readonly question: string }[]): number =>
      Math.max(...problems.map(({ question }) => question.split(' ').length));
    const { loaded } = insideOf<{
      loaded: { problems: { sample(seed: number, count: number): { problem: { question: string } }[] } };
    }>(workbench);
    const trained = loaded.problems.sample(config.seed, 3).map(({ problem }) => problem);
    // Some evaluated problems are longer than any trained ones: padded together, they would change the batches.
    expect(longest(await workbench.problems('held-out', 0, 40))).toBeGreaterThan(longest(trained));
    const evaluated = { data: { ...config.data, validation: 40, heldOut: 40 } };
    expect(await losses(workbench, { ...config, ...evaluated })).toEqual(alone);
    const silent = { ...config, evaluation: { ...config.evaluation, every: 0 } };
    expect(await losses(workbench, silent)).toEqual(alone);
  });

  it.each(['codi', 'ce', 'nocot'] as const)('learns by %s: its loss on the samples falls', async (method) => {
    const config = tinyRunBy(method, {
      data: { samples: 2, validation: 0, heldOut: 0 },
      optimiser: { steps: 12, batch: 2, learningRate: 2e-2 },
    });
    const all = await losses(workbench, config);
    expect(all).toHaveLength(12);
    expect(all[11]).toBeLessThan(0.8 * (all[0] as number));
  });

  it('takes one sample, more batch than samples, one subspace per sample, orthogonal iteration', async () => {
    const one = tinyRun({ data: { samples: 1 }, optimiser: { batch: 128, steps: 2 } });
    expect(await losses(workbench, one)).toHaveLength(2);
    const config = tinyRun({
      data: { samples: 3 },
      optimiser: { steps: 2 },
      factors: { scope: 'sample', normaliseLayers: false, anchor: { hooi: true } as never },
    });
    for (const loss of await losses(workbench, config)) expect(Number.isFinite(loss)).toBe(true);
  });

  it('refuses ranks the model cannot give, but only if the method uses them', async () => {
    const deep = tinyRun({ factors: { layerRank: 3 } });
    await expect(workbench.distil(deep)).rejects.toThrow('r_L is 3; this model has 2 layers');
    const wide = tinyRun({ factors: { hiddenRank: 33 } });
    await expect(workbench.distil(wide)).rejects.toThrow("r_H is 33; this model's hidden size is 32");
    expect(await losses(workbench, tinyRunBy('ce'))).toHaveLength(5);
    const none = { ...tinyRun(), latent: { ...tinyRun().latent, steps: 0 } };
    await expect(workbench.distil(none)).rejects.toThrow('latent.steps');
  });

  it('leaks no tensor over two further runs and questions', async () => {
    const { runtime } = insideOf<{ opened: { runtime: { liveTensors: number; programCount: number } } }>(
      workbench,
    ).opened;
    const round = async (): Promise<[number, number]> => {
      await workbench.distil(tinyRun({ evaluation: { keepBest: true } }));
      const { session } = await workbench.openQuestion({ question: QUESTION, student: 'trained' });
      await workbench.thought(momentOf(session, 1));
      await workbench.answer(momentOf(session, 1));
      await workbench.explicit(QUESTION);
      await workbench.lens(figure6(2, 1));
      return [runtime.liveTensors, runtime.programCount];
    };
    const first = await round();
    expect(await round()).toEqual(first);
    expect(await round()).toEqual(first);
  });
});

describe('control', () => {
  /** Losses of the tiny run. */
  let usual: number[] | undefined;

  it('pauses, resumes and stops', async () => {
    await expect(workbench.control('pause')).rejects.toThrow('there is no run to pause');
    let pausedAt = 0;
    const watched = watch((event) => {
      if (event.kind !== 'step') return;
      if (event.step === 2) {
        void workbench.control('pause');
        setTimeout(() => {
          pausedAt = watched.steps().length;
          void workbench.control('resume');
        }, 150);
      }
      if (event.step === 4) void workbench.control('stop');
    });
    const config = tinyRun({ optimiser: { steps: 1000 }, evaluation: { every: 0 } });
    const result = await workbench.distil(config, { report: watched.report });
    expect(pausedAt).toBe(2);
    expect(result).toMatchObject({ status: 'stopped', steps: 4 });
    expect(result.heldOut?.total).toBe(4);
    const question = await workbench.openQuestion({ question: QUESTION, student: 'trained' });
    expect(question.student).toContain('LoRi');
    await expect(workbench.control('stop')).rejects.toThrow(InputError);
  });

  it('keeps the earlier student when stopped before the first step', async () => {
    const { student } = insideOf<{ student: object }>(workbench);
    const config = tinyRun({ seed: 6 as never, data: { validation: 0 } });
    const watched = watch((event) => event.kind === 'progress' && void workbench.control('stop'));
    const result = await workbench.distil(config, { report: watched.report });
    expect(result).toMatchObject({ status: 'stopped', steps: 0, heldOut: null, student: undefined });
    expect(insideOf<{ student: object }>(workbench).student).toBe(student);
  });

  it.each(BEFORE_TRAINING)(
    'pauses before the first step (%s), and reports when it has paused',
    async (phase) => {
      const order: string[] = [];
      const watched = watch((event) => {
        if (event.kind === 'step' && event.step === 1) order.push('step');
        if (event.kind === 'state') order.push(event.state);
        if (event.kind === 'state' && event.state === 'paused')
          setTimeout(() => {
            order.push('resumed');
            void workbench.control('resume');
          }, 30);
        if (event.kind !== 'progress' || event.progress.phase !== phase || order.includes('asked')) return;
        order.push('asked');
        void workbench.control('pause');
      });
      await workbench.distil(tinyRun({ data: { validation: 0, heldOut: 0 } }), { report: watched.report });
      expect(order).toEqual(['running', 'asked', 'paused', 'resumed', 'running', 'step']);
    },
  );

  it('refuses a second run, and is usable after both', async () => {
    const config = tinyRun({ data: { validation: 0, heldOut: 0 } });
    const first = workbench.distil(config);
    await expect(workbench.distil(config)).rejects.toThrow('a run is already in progress');
    expect((await first).steps).toBe(5);
  });

  it.each(['running', 'paused', ...BEFORE_TRAINING])('cancels and drops a run that is %s', async (when) => {
    usual ??= await losses(workbench, tinyRun());
    const student = (await workbench.openQuestion({ question: QUESTION, student: 'trained' })).student;
    const abort = new AbortController();
    const watched = watch((event) => {
      if (event.kind === 'progress' && event.progress.phase === when) return abort.abort();
      if (event.kind !== 'step' || event.step !== 2) return;
      if (when === 'running') return abort.abort();
      void workbench.control('pause');
      setTimeout(() => abort.abort(), 30);
    });
    const run = workbench.distil(tinyRun({ seed: 9 as never, optimiser: { steps: 1000 } }), {
      report: watched.report,
      signal: abort.signal,
    });
    await expect(run).rejects.toThrow(CancelledError);
    expect(watched.steps().length).toBe(when === 'running' || when === 'paused' ? 2 : 0);
    // The phase that is cancelled is the last one.
    const phases = watched.events.flatMap((event) => (event.kind === 'progress' ? event.progress.phase : []));
    if (phases.includes(when as never)) expect(phases.at(-1)).toBe(when);
    // The student of the previous run is still there, and can still be stepped.
    const question = await workbench.openQuestion({ question: QUESTION, student: 'trained' });
    expect(question.student).toBe(student);
    await workbench.thought(momentOf(question.session, 1));
    if (when === 'paused') expect(await losses(workbench, tinyRun())).toEqual(usual);
  });

  it('ends the computation of the factors at the next of its pieces when it is cancelled', async () => {
    const abort = new AbortController();
    let pieces = 0;
    // Pieces that take no time: nothing else is polled meanwhile, so that only the signal itself can end
    // them.
    function* slow(): Generator<number, void> {
      for (; pieces < 1000; yield pieces / 1000) if (++pieces === 3) abort.abort();
    }
    const lori: Recipe = {
      ...(RECIPES.lori as Recipe),
      async targets(_config, _model, teacher, pace) {
        await teacher.each(async () => {});
        await pace.run(slow());
        return { losses: {} };
      },
    };
    const fresh = new LoriWorkbench(tinyEnvironment(files), { ...RECIPES, lori });
    await fresh.open('wasm');
    await fresh.loadPair('models');
    await expect(fresh.distil(tinyRun(), { signal: abort.signal })).rejects.toThrow(CancelledError);
    expect(pieces).toBe(3);
    await fresh.close();
  });

  it('drops only the run when it is cancelled before it has started', async () => {
    const abort = new AbortController();
    abort.abort();
    for (const method of ['lori', 'ce'] as const) {
      const run = workbench.distil(tinyRunBy(method), { signal: abort.signal });
      await expect(run).rejects.toThrow(CancelledError);
    }
  });
});

describe('a run that diverges', () => {
  it('stops with NumericError, keeps the earlier student and leaves the workbench usable', async () => {
    const wild = tinyRun({
      optimiser: { learningRate: 1, steps: 60, warmup: 0, clip: 1e6, batch: 2 },
      lora: { rank: 8, alpha: 1024 },
      weights: { covariance: 1e6, mean: 1e6, anchor: 1e6 },
      evaluation: { every: 0 },
    });
    const huge = new LoriWorkbench(tinyEnvironment(await tinyPair({ scale: 2, seed: 5 })));
    await huge.open('wasm');
    await huge.loadPair('models');
    const inside = () => insideOf<{ student?: { step: number; packs: readonly Float32Array[] } }>(huge);
    await huge.distil(tinyRun({ method: 'ce' as never, data: { validation: 0, heldOut: 0 } }));
    const before = inside().student;
    const watched = watch();
    const run = huge.distil(
      { ...wild, observation: { ...wild.observation, every: 0 } },
      { report: watched.report },
    );
    await expect(run).rejects.toThrow(NumericError);
    await expect(run).rejects.toThrow(/not finite|is (NaN|-?Infinity)/);
    await expect(run).rejects.toThrow('the previous student stays');
    // The step that diverged is reported, as the last one.
    const finite = watched.steps().map((step) => Number.isFinite(step.losses.total + step.gradientNorm));
    expect(finite.indexOf(false)).toBe(finite.length - 1);
    expect(inside().student).toBe(before);
    // With a checkpoint on the way, the run goes back to it.
    const last = watched.steps().length - 1;
    expect(last).toBeGreaterThan(0);
    const observed = { ...wild, observation: { every: 1, samples: 1 } };
    await expect(huge.distil(observed)).rejects.toThrow(`the student was reset to step ${last}`);
    expect(inside().student).toMatchObject({ id: 'student-3', step: last });
    expect(inside().student?.packs.every((pack) => pack.every(Number.isFinite))).toBe(true);
    await huge.loadPair('models');
    expect((await huge.problems('train', 0, 2)).length).toBe(2);
    await huge.close();
  });
});

it('keeps the earlier student when the very first step diverges, and reports that step’s losses', async () => {
  const inside = () => insideOf<{ student?: { id: string; step: number } }>(workbench);
  await workbench.distil(tinyRun({ data: { validation: 0, heldOut: 0 }, evaluation: { every: 0 } }));
  const before = inside().student;
  const watched = watch();
  // logits/τ overflow: the thoughts are NaN before anything has been trained.
  const run = workbench.distil(
    tinyRun({
      latent: { temperature: 1e-42 },
      data: { validation: 0, heldOut: 0 },
      evaluation: { every: 0 },
    }),
    { report: watched.report },
  );
  await expect(run).rejects.toThrow(NumericError);
  await expect(run).rejects.toThrow('the previous student stays');
  const steps = watched.steps();
  expect(steps).toHaveLength(1);
  expect(steps[0]?.step).toBe(1);
  expect(Number.isFinite(steps[0]?.losses.total)).toBe(false);
  expect(before).toBeDefined();
  expect(inside().student).toBe(before);
});

describe('stepping', () => {
  it('computes K thoughts, then the answer, once', async () => {
    const opened = await workbench.openQuestion({
      question: QUESTION,
      student: 'base',
      steps: 3,
      expected: '15',
    });
    expect(opened).toMatchObject({ latentSteps: 3, expected: '15', question: QUESTION });
    expect(opened.tokens.join('').trim()).toBe(QUESTION);
    for (let t = 1; t <= 3; t++) {
      const { step, fed: thought } = await workbench.thought(momentOf(opened.session, t));
      expect(step).toBe(t);
      if (!thought) throw new Error('nothing was fed');
      const shares = thought.top.map((x) => x.probability);
      expect(shares).toEqual([...shares].sort((a, b) => b - a));
      expect(shares.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(1);
      expect(thought.entropy).toBeGreaterThan(0);
      expect(thought.entropy).toBeLessThanOrEqual(Math.log(397) + 1e-9);
    }
    await expect(workbench.thought(momentOf(opened.session, 4))).rejects.toThrow('thought 4; there are 3');
    const answer = await workbench.answer(momentOf(opened.session, 3));
    expect(answer.top).toHaveLength(8);
    expect(answer.totalMilliseconds).toBeGreaterThan(answer.milliseconds);
    // Asking again gives the same, whatever was asked in between.
    expect((await workbench.answer(momentOf(opened.session, 3))).top).toEqual(answer.top);
  });

  it('repeats the same answer for the same thoughts, and another for other thoughts', async () => {
    const all = async (question: string, steps: number) => {
      const { session } = await workbench.openQuestion({ question, student: 'base', steps });
      const thoughts = [];
      for (let t = 1; t <= steps; t++)
        thoughts.push((await workbench.thought(momentOf(session, t))).fed?.top);
      return { thoughts, answer: (await workbench.answer(momentOf(session, steps))).top };
    };
    const first = await all(QUESTION, 2);
    const other = await all('Ann has 7 eggs. How many eggs does Ann have?', 2);
    expect(other.thoughts).not.toEqual(first.thoughts);
    expect(await all(QUESTION, 2)).toEqual(first);
    expect((await all(QUESTION, 3)).answer).not.toEqual(first.answer);
  });

  it('answers at once for K = 0', async () => {
    const opened = await workbench.openQuestion({ question: QUESTION, student: 'base', steps: 0 });
    expect(opened.latentSteps).toBe(0);
    await expect(workbench.thought(momentOf(opened.session, 1))).rejects.toThrow('there are none');
    expect((await workbench.answer(momentOf(opened.session, 0))).top).toHaveLength(8);
  });

  it('can answer after fewer than K thoughts', async () => {
    const { session } = await workbench.openQuestion({ question: QUESTION, student: 'base', steps: 5 });
    expect((await workbench.answer(momentOf(session, 1))).top).toHaveLength(8);
  });

  it.each([-1, 1.5, 33, Number.NaN])('refuses %s latent steps', async (steps) => {
    const opened = workbench.openQuestion({ question: QUESTION, student: 'base', steps });
    await expect(opened).rejects.toThrow(`${steps} latent steps`);
  });

  it('refuses a question with no tokens or too many, and keeps the open one', async () => {
    const { session } = await workbench.openQuestion({ question: QUESTION, student: 'base', steps: 2 });
    for (const question of ['', ' \n\t '])
      await expect(workbench.openQuestion({ question, student: 'base', steps: 2 })).rejects.toThrow(
        `the question ${JSON.stringify(question)} has no tokens`,
      );
    const long = 'Tom has 12 apples. '.repeat(40);
    await expect(workbench.openQuestion({ question: long, student: 'base', steps: 2 })).rejects.toThrow(
      /a question has \d+ tokens; at most \d+ fit/,
    );
    await expect(workbench.explicit('')).rejects.toThrow('has no tokens');
    expect((await workbench.thought(momentOf(session, 1))).step).toBe(1);
  });

  it('refuses a question that is no longer open', async () => {
    const { session } = await workbench.openQuestion({ question: QUESTION, student: 'base', steps: 1 });
    await workbench.openQuestion({ question: QUESTION, student: 'base', steps: 1 });
    await expect(workbench.thought(momentOf(session, 1))).rejects.toThrow(
      `question ${session} is no longer open`,
    );
    await expect(workbench.answer(momentOf(999, 1))).rejects.toThrow('question 999');
  });

  it('uses the student’s adapter, so that its thoughts differ from the base’s', async () => {
    await workbench.distil(tinyRun({ optimiser: { learningRate: 0.1 } }));
    const tops = [];
    for (const student of ['trained', 'base'] as const) {
      const { session, latentSteps } = await workbench.openQuestion({
        question: QUESTION,
        student,
        steps: 2,
      });
      expect(latentSteps).toBe(2);
      tops.push((await workbench.thought(momentOf(session, 1))).fed?.top.map((x) => x.probability));
    }
    expect(tops[0]).not.toEqual(tops[1]);
  });

  it('gives the teacher’s explicit chain of thought', async () => {
    const { tokens, text, rationale } = await workbench.explicit(QUESTION);
    expect(tokens).toBeGreaterThan(0);
    expect(text.startsWith(rationale)).toBe(true);
  });
});

describe('problems', () => {
  it('share no question between splits', async () => {
    const questions = async (split: 'train' | 'validation' | 'held-out') =>
      (await workbench.problems(split, 0, 300)).map((p) => p.question);
    const [train, validation, heldOut] = [
      await questions('train'),
      await questions('validation'),
      await questions('held-out'),
    ];
    expect(new Set([...train, ...validation, ...heldOut]).size).toBe(900);
    expect((await workbench.problems('held-out', 7, 1))[0]).toMatchObject({
      id: 'held-out-7',
      question: heldOut[7],
    });
    await expect(workbench.problems('train', -1, 2)).rejects.toThrow('problems -1 to 1 of train');
    await expect(workbench.problems('train', 4096, 1)).rejects.toThrow('there are 4096');
    await expect(workbench.problems('train', 0, 1e9)).rejects.toThrow(InputError);
  });
});

describe('before anything is open', () => {
  it('says what to do', async () => {
    const bare = new LoriWorkbench({ ...tinyEnvironment(files), fetch: serveFiles(files) });
    await expect(bare.problems('train', 0, 1)).rejects.toThrow('no execution provider is open');
    await bare.open('wasm');
    await expect(bare.lens(figure6(1, 1))).rejects.toThrow('no data set is loaded');
    await expect(bare.distil(tinyRun())).rejects.toThrow('no models are loaded');
    await bare.loadPair('models');
    await expect(bare.openQuestion({ question: QUESTION, student: 'trained' })).rejects.toThrow(
      'no student has been trained yet',
    );
    await bare.close();
    await expect(bare.problems('train', 0, 1)).rejects.toThrow('no execution provider is open');
  });
});
