import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseRunConfig, type RunConfig } from '../../../contract/config';
import type { CausalRequest } from '../../../contract/lens';
import { WASM_BYTES } from '../../../contract/memory';
import type { DecodeShape } from '../../decode/programs';
import * as statePool from '../../decode/state-pool';
import * as evaluator from '../../eval/accuracy';
import type { DecoderConfig } from '../../nn/config';
import type { Desk } from '../desk';
import { insideOf } from '../inside.testing';
import { answeringBytes } from '../models/fits';
import type { LoadedModel } from '../models/pair';
import type { LoriWorkbench } from '../workbench';
import { openTiny } from './keep-all.testing';
import { tinyRun, tinyRunBy, watch } from './tiny-run.testing';

/** How much a decoder keeps, and all that was answered with what batch. */
const limit = { bytes: 512 * 2 ** 20 };
const answered: { shape: DecodeShape; texts: string[] }[] = [];

/** Spies and not `vi.mock`: files of one process share their modules, and one that is there already is not mocked. */
const watchAnswers = (): void => {
  vi.spyOn(statePool, 'MAX_STATE_BYTES', 'get').mockImplementation(() => limit.bytes as never);
  const { accuracy, outcomes } = evaluator;
  const watched = (options: evaluator.EvaluationOptions): evaluator.EvaluationOptions => {
    const texts: string[] = [];
    answered.push({ shape: options.decoder.shape, texts });
    const onOutcome = (one: evaluator.Outcome): void => {
      texts[one.problem] = `${one.latents} ${one.text}`;
      options.onOutcome?.(one);
    };
    return { ...options, onOutcome };
  };
  vi.spyOn(evaluator, 'accuracy').mockImplementation((options) => accuracy(watched(options)));
  vi.spyOn(evaluator, 'outcomes').mockImplementation((options) => outcomes(watched(options)));
};

let workbench: LoriWorkbench;
beforeAll(async () => {
  watchAnswers();
  workbench = await openTiny();
});
afterAll(async () => {
  vi.restoreAllMocks();
  await workbench.close();
});
beforeEach(() => {
  limit.bytes = 512 * 2 ** 20;
  answered.length = 0;
});

/** What `work` answers, with a decoder that keeps `bytes`. */
async function answering<T>(bytes: number, work: () => Promise<T>) {
  limit.bytes = bytes;
  answered.length = 0;
  const result = await work();
  const all = [...answered];
  return { result, texts: all.map(({ texts }) => texts), shapes: all.map(({ shape }) => shape) };
}

/** A student that stops by itself: it has the most states at once. */
const STOPPING = parseRunConfig({
  ...tinyRunBy('adaptive'),
  evaluation: { every: 2, explicit: true },
});

const RATIONALES = tinyRunBy('nocot', { evaluation: { explicit: true } });

const CAUSAL: CausalRequest = {
  subject: { kind: 'teacher' },
  ...{ problems: 5, layers: [1], ranks: [2, 32], positions: 'all' },
  ...{ centre: false, samples: 4, seed: 1, random: false },
};

describe('problems at a time', () => {
  it.each([
    ['by the pair’s teacher', STOPPING],
    ['whose rationales are longer than its thoughts', RATIONALES],
    ['by the run’s teacher', parseRunConfig({ ...STOPPING, data: { ...STOPPING.data, rule: 'text' } })],
  ])('are so many that a decoder keeps their states, and change no answer: a run, %s', async (_, config) => {
    const watched = watch();
    const run = () => workbench.distil(config, { report: watched.report });
    const all = await answering(512 * 2 ** 20, run);
    // Validation and held-out problems together.
    expect(all.shapes[0]?.batch).toBe(7);
    const largest = Math.max(...all.shapes.map(bytesOfRow));
    for (const bytes of [5 * largest, 2 * largest, 1]) {
      const few = await answering(bytes, run);
      expect(few.shapes.map(({ batch }) => batch)).toEqual(
        few.shapes.map((shape, i) =>
          Math.min(all.shapes[i]?.batch as number, Math.max(1, Math.floor(bytes / bytesOfRow(shape)))),
        ),
      );
      // Known from before.
      expect(few.texts).toEqual(all.texts.slice(0, few.texts.length));
      for (const what of ['heldOut', 'explicit', 'status'] as const)
        expect(few.result[what]).toEqual(all.result[what]);
    }
    const losses = watched.steps().map((step) => step.losses.total);
    const { steps } = config.optimiser;
    expect(losses.slice(steps, 2 * steps)).toEqual(losses.slice(0, steps));
  });

  it('are as few of the pair’s teacher, whose accuracy is measured once', async () => {
    const { questions } = insideOf<Desk>(workbench);
    const all = await answering(512 * 2 ** 20, () => questions.teacherAccuracy(6, {}));
    expect(all.shapes.map(({ batch }) => batch)).toEqual([50]);
    const few = await answering(2 * bytesOfRow(all.shapes[0] as DecodeShape), () =>
      questions.teacherAccuracy(5, {}),
    );
    expect(few.shapes.map(({ batch }) => batch)).toEqual([2]);
    expect(few.texts).toEqual(all.texts.map((texts) => texts.slice(0, 5)));
  });

  it('are as few in the causal test, and one is enough', async () => {
    const test = () => workbench.causal(CAUSAL);
    const all = await answering(512 * 2 ** 20, test);
    expect(all.shapes.map(({ batch }) => batch)).toEqual([5, 5, 5]);
    for (const batch of [2, 1]) {
      const few = await answering(batch * bytesOfRow(all.shapes[0] as DecodeShape), test);
      expect(few.shapes.map((shape) => shape.batch)).toEqual([batch, batch, batch]);
      expect(few.texts).toEqual(all.texts);
      expect(few.result.points).toEqual(all.result.points);
    }
  });
});

const bytesOfRow = ({ config, capacity }: DecodeShape): number => answeringBytes(config, capacity);

describe('before anything is read or trained', () => {
  /** Llama-3.2-1B, of which a step fits by layers and an answer does not. */
  const LLAMA = {
    ...{ layers: 16, hiddenSize: 2048, intermediateSize: 8192, heads: 32, kvHeads: 8, headDim: 64 },
    vocabSize: 128_256,
  };

  /** With other sizes of the pair's models: what is refused reads none of their weights. */
  async function sized<T>(
    changes: Partial<Record<'base' | 'teacher', Partial<DecoderConfig>>>,
    work: () => Promise<T>,
  ): Promise<T> {
    const desk = insideOf<Desk>(workbench);
    const before = desk.loaded as NonNullable<Desk['loaded']>;
    const other = (of: 'base' | 'teacher'): LoadedModel => ({
      ...before.pair[of],
      config: { ...before.pair[of].config, ...changes[of] },
    });
    desk.loaded = { ...before, pair: { ...before.pair, base: other('base'), teacher: other('teacher') } };
    return work().finally(() => {
      desk.loaded = before;
    });
  }

  /** The error of a run, and whether it began to do anything. */
  async function refusal(config: RunConfig) {
    const { events, report } = watch();
    const error = await workbench.distil(config, { report }).catch((e) => e);
    const began = events.some(({ kind }) => kind === 'step' || kind === 'expected');
    return { error, began };
  }

  it('a run is refused whose answers do not fit, by the storage with which they would', async () => {
    const { error, began } = await sized({ base: LLAMA }, () => refusal(tinyRunBy('nocot')));
    expect(began).toBe(false);
    expect(error).toMatchObject({
      code: 'memory',
      message: expect.stringMatching(/^answering during the run needs about \d\.\d GB, /),
      hint: expect.stringMatching(/^It would fit with the weights stored in 16 bits/),
    });
  });

  it('a run is refused whose teacher cannot be measured, but not if it is not to be', async () => {
    const run = (heldOut: number) => tinyRunBy('nocot', { data: { heldOut }, optimiser: { steps: 1 } });
    const { error, began } = await sized({ teacher: LLAMA }, () => refusal(run(2)));
    expect(began).toBe(false);
    expect(error).toMatchObject({
      code: 'memory',
      message: expect.stringMatching(/^answering by the teacher needs about /),
    });
    expect(await sized({ teacher: LLAMA }, () => workbench.distil(run(0), {}))).toMatchObject({
      status: 'done',
    });
  });

  it('a run is refused whose written rationales would not fit, though its answers do', async () => {
    const config = { ...RATIONALES, optimiser: { ...RATIONALES.optimiser, batch: 1, steps: 1 } };
    const { shapes } = await answering(limit.bytes, () => workbench.distil(config, {}));
    // The pair's teacher is asked more at once.
    const own = shapes.filter(({ batch }) => batch === 7).map(({ capacity }) => capacity);
    const [short, long] = [Math.min(...own), Math.max(...own)];
    expect(long).toBeGreaterThan(short + 4);
    // Nearly all bytes are keys and values: of a layer three times, and once more while it runs.
    const width = Math.floor(WASM_BYTES / (2 * 4 * (3 * 2 + 1) * ((short + long) / 2)));
    const base = { layers: 2, hiddenSize: 1, intermediateSize: 1, heads: 1, kvHeads: width, headDim: 1 };
    const { error, began } = await sized({ base }, () => refusal(config));
    expect(began).toBe(false);
    expect(error).toMatchObject({
      code: 'memory',
      message: expect.stringMatching(/^answering with a written rationale needs about /),
    });
  });

  it('a run is refused that could not draw a batch’s answers at once', async () => {
    limit.bytes = 1;
    const { error, began } = await refusal(tinyRunBy('grpo'));
    expect(began).toBe(false);
    expect(error).toMatchObject({
      code: 'memory',
      message: expect.stringMatching(/^drawing answers 2 at a time, of up to \d+ tokens /),
      hint: expect.stringMatching(/^1 at a time would fit/),
    });
  });

  it('a run that decodes nothing makes no program for it', async () => {
    const { compile } = insideOf<Desk>(workbench).provider().runtime;
    const names: string[] = [];
    const { runtime } = insideOf<Desk>(workbench).provider();
    const spy = vi.spyOn(runtime, 'compile').mockImplementation((program, ...rest) => {
      names.push(program.name);
      return compile.call(runtime, program, ...rest);
    });
    const run = (every: number) => {
      const small = { data: { validation: 0, heldOut: 0 }, optimiser: { steps: 1 } };
      return workbench.distil(tinyRunBy('nocot', { ...small, observation: { every } }), {});
    };
    await run(0);
    const idle = names.splice(0);
    await run(1);
    spy.mockRestore();
    expect(idle).not.toContain('prefill');
    expect(names).toContain('prefill');
  });

  it('a question and the causal test are refused by name, and an open question stays', async () => {
    await workbench.distil(tinyRun({ optimiser: { steps: 1 }, data: { heldOut: 0, validation: 0 } }), {});
    const ask = () => workbench.openQuestion({ question: 'Tom has 12 apples.', student: 'base', steps: 1 });
    const { session } = await ask();
    await sized({ base: LLAMA, teacher: LLAMA }, async () => {
      await expect(ask()).rejects.toMatchObject({
        code: 'memory',
        message: expect.stringMatching(/^answering this question needs about /),
      });
      await expect(workbench.explicit('Tom has 12 apples.')).rejects.toMatchObject({
        code: 'memory',
        message: expect.stringMatching(/^answering by the teacher needs about /),
      });
      await expect(workbench.causal(CAUSAL)).rejects.toMatchObject({
        code: 'memory',
        message: expect.stringMatching(/^the causal test needs about /),
      });
    });
    expect((await workbench.thought({ session, step: 1, interventions: [] })).step).toBe(1);
  });
});
