import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECTIONS, type Section, type Subject } from '../../../contract/lens';
import type { TokenSpan } from '../../../contract/span';
import type { SampleStates } from '../../analysis/gathered';
import { CancelledError, MemoryError } from '../../base/errors';
import { Rng } from '../../base/rng';
import { layoutOf, leftPad } from '../../data/batch';
import { Walk } from '../../decode/decoder.testing';
import { feedbackOf, thoughtsIn } from '../../decode/reasoning';
import { thinking } from '../../decode/reasoning.testing';
import type { Feedback } from '../../nn/feedback';
import { loraLayout } from '../../nn/lora';
import { adapted as asStudent } from '../../nn/parameters.testing';
import { allStates } from '../../recipes/shared/teacher';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { serveFiles, tinyPair } from '../../testing/tiny-pair.testing';
import { normals, relativeError } from '../../train/tiny.testing';
import { DeviceModels } from '../models/device-models';
import { loadPair, type Pair } from '../models/pair';
import { ProblemSet } from '../models/problems';
import { type LoadedModels, resolveSubject } from '../models/subjects';
import type { Student } from '../runs/student';
import { decoderFor } from '../runs/student';
import { ANY } from '../runs/student.testing';
import { TeacherPass } from '../runs/teacher-pass';
import { fedSequences } from './fed-sequences';
import { gatherStates, type Sequence, sequencesOf, statesBytes } from './states';

/** The same float32 sums in another order: two programs of two layers. Measured 2.2e-6 with latents, 4e-7 without. */
const TOLERANCE = 1e-5;

let runtime: Runtime;
let models: DeviceModels;
let pair: Pair;
let loaded: LoadedModels & { readonly problems: ProblemSet; readonly student: Student };
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
  models = new DeviceModels(runtime);
  ({ pair } = await loadPair('models', { fetch: serveFiles(await tinyPair()) }));
  const { config } = pair.base;
  const lora = { rank: 2, alpha: 3, targets: ['q', 'v', 'down'] } as const;
  const { length } = loraLayout(config, lora);
  const packs = (seed: number) =>
    Array.from({ length: config.layers }, (_, i) => normals(new Rng(seed).fork(`${i}`), length, 0.2));
  const reasoning = thinking(3, { kind: 'softmax', temperature: 0.7 });
  const parameters = asStudent(lora);
  const student: Student = { ...ANY, label: 'tiny', reasoning, parameters, packs: packs(4) };
  loaded = {
    pair,
    problems: new ProblemSet(pair.manifest.data, pair.codec),
    student,
    checkpoints: new Map([[3, { ...student, step: 50, packs: packs(5) }]]),
  };
});
afterAll(() => runtime.dispose());

/** What is left on the runtime once nothing is cached for the next request. */
async function left(): Promise<number[]> {
  await models.dispose();
  return [runtime.liveTensors, runtime.programCount];
}

const TEACHER: Subject = { kind: 'teacher' };
const STUDENT: Subject = { kind: 'student' };
const problems = (samples: number, seed = 5) => sequencesOf({ kind: 'problems', seed, samples }, loaded);
const texts = (...list: string[]) => sequencesOf({ kind: 'texts', texts: list }, {});
const gather = async (
  subject: Subject,
  sequences: readonly Sequence[],
  sections: readonly Section[],
  options: Parameters<typeof gatherStates>[4] = {},
): Promise<readonly SampleStates[]> =>
  (await gatherStates(models, resolveSubject(subject, loaded), sequences, sections, options)).samples;
type Asked = ConstructorParameters<typeof TeacherPass>;
/** A run's teacher on examples, with all states held, or read one sample at a time. */
const teacherStates = async (roles: Asked[1], examples: Asked[2], layout: Asked[3], holds = true) => {
  const pass = new TeacherPass(models, roles, examples, layout, { holds });
  return allStates(pass).finally(() => pass.dispose());
};
const same = (a: SampleStates | undefined, b: SampleStates | undefined): void => {
  expect(a?.texts).toEqual(b?.texts);
  expect(relativeError(a?.states ?? [], b?.states ?? [1])).toBeLessThan(TOLERANCE);
};

describe('gatherStates', () => {
  it('gathers the same rationale states as the teacher pass, for any lengths', async () => {
    const count = 11;
    const got = await gather(TEACHER, problems(count), ['rationale']);
    const tokens = loaded.problems.sample(5, count).map((e) => e.tokens);
    const layout = layoutOf(tokens, pair.codec, count);
    const lengths = tokens.map((t) => t.rationale.length);
    const roles = { codec: pair.codec, teacher: { model: pair.teacher, label: 'teacher' } };
    const want = await teacherStates(roles, loaded.problems.sample(5, count), layout);
    expect(got.map((s) => s.id)).toEqual(problems(count).map((s) => s.id));
    expect(got.map((s) => s.tokens)).toEqual(lengths);
    expect(new Set(lengths).size).toBeGreaterThan(1);
    for (const [i, sample] of got.entries())
      expect(relativeError(sample.states, want[i]?.rationale as Float32Array)).toBeLessThan(TOLERANCE);
    const alone = await teacherStates(roles, loaded.problems.sample(5, count), layout, false);
    for (const [i, { rationale, anchor }] of alone.entries()) {
      expect(relativeError(rationale, want[i]?.rationale as Float32Array)).toBeLessThan(TOLERANCE);
      expect(relativeError(anchor, want[i]?.anchor as Float32Array)).toBeLessThan(TOLERANCE);
    }
  });

  it('gathers the same states from a student as it teaches as the kept teacher', async () => {
    const count = 5;
    const got = await gather(STUDENT, problems(count), ['rationale']);
    const examples = loaded.problems.sample(5, count);
    const layout = layoutOf(
      examples.map((e) => e.tokens),
      pair.codec,
      2,
    );
    const adapter = { ...loaded.student, sha256: '' };
    const roles = { codec: pair.codec, teacher: { model: pair.base, adapter, label: 'kept' } };
    const want = await teacherStates(roles, examples, layout);
    const bare = await teacherStates(
      { ...roles, teacher: { ...roles.teacher, adapter: undefined } },
      examples,
      layout,
    );
    for (const [i, sample] of got.entries()) {
      const states = want[i]?.rationale as Float32Array;
      expect(relativeError(sample.states, states)).toBeLessThan(TOLERANCE);
      expect(relativeError(bare[i]?.rationale as Float32Array, states)).toBeGreaterThan(0.01);
    }
  });

  it.each([
    ['latent', STUDENT],
    ['latent', { kind: 'student', checkpoint: 3 }],
    ['latent', { kind: 'base' }],
    ['rationale', STUDENT],
  ] as const)('%s of %o equals the decoder’s steps', async (thought, subject) => {
    const sequences = problems(5);
    const got = await gather(subject, sequences, ['question', thought, 'answer']);
    const { model, reasoning, latentSteps, parameters, packs } = resolveSubject(subject, loaded);
    const tokens = loaded.problems.sample(5, 5).map((e) => e.tokens);
    const question = Math.max(...tokens.map((t) => t.question.length));
    const feedback = feedbackOf(reasoning) as Feedback;
    const shape = { batch: 1, question, capacity: question + 40, parameters, reasoning };
    const decoder = await decoderFor(models, model, shape);
    const adapter = packs.map((data) => runtime.upload({ dtype: 'f32', shape: [data.length], data }));
    decoder.setParameters(adapter);
    const walk = new Walk(decoder);
    for (const [i, t] of tokens.entries()) {
      const { ids, keyMask } = leftPad([t.question], question, 0);
      await walk.begin(ids, keyMask);
      const rows: Float32Array[] = [await walk.hidden()];
      const feed = async (id: number | undefined): Promise<void> => {
        await (id === undefined ? walk.feed({ latent: feedback }) : walk.tokens(id));
        rows.push(await walk.hidden());
      };
      if (thought === 'latent') for (let k = 0; k < latentSteps; k++) await feed(undefined);
      else for (const id of t.rationale) await feed(id);
      for (const id of [...pair.codec.prompt, ...t.answer.slice(0, -1)]) await feed(id);
      const sample = got[i] as SampleStates;
      // From the question's last position on.
      const from = t.question.length - 1;
      const want = Float32Array.from(rows.flatMap((row) => Array.from(row)));
      const row = want.length / rows.length;
      expect(sample.tokens).toBe(from + rows.length);
      expect(relativeError(sample.states.subarray(from * row), want), sample.id).toBeLessThan(TOLERANCE);
      const middle = thought === 'latent' ? latentSteps : t.rationale.length;
      const marks = ['question', thought, 'answer'].map((s) => SECTIONS.indexOf(s as Section));
      expect(Array.from(sample.sections)).toEqual([
        ...t.question.map(() => marks[0]),
        ...Array.from({ length: middle }, () => marks[1]),
        ...rows.slice(1 + middle).map(() => marks[2]),
      ]);
      const names = thought === 'latent' ? ['z₁', 'z₂', 'z₃', 'z₄', 'z₅'].slice(0, latentSteps) : undefined;
      expect(sample.texts.slice(from + 1, from + 1 + middle)).toEqual(
        names ?? t.rationale.map((id) => pair.tokenizer.tokenText(id)),
      );
    }
    await decoder.dispose();
    for (const pack of adapter) pack.dispose();
  });

  it('gathers the same question states in both passes', async () => {
    const question: Section[] = ['question'];
    const explicit = await gather(STUDENT, problems(3), question);
    const latent = await gather(STUDENT, problems(3), ['question', 'latent']);
    for (const [i, { states }] of explicit.entries()) {
      const both = (latent[i] as SampleStates).states;
      expect(relativeError(states, both.subarray(0, states.length))).toBeLessThan(TOLERANCE);
    }
  });

  it('reads texts of any lengths in one batch the same as each alone', async () => {
    const list = ['Tom', 'Tom has 12 apples.', `${'Ann has 3 pens. '.repeat(12)}`, 'How many?'];
    const together = await gather(TEACHER, texts(...list), ['text']);
    expect(together.map((s) => s.about)).toEqual(list);
    for (const [i, text] of list.entries()) {
      const [alone] = await gather(TEACHER, texts(text), ['text']);
      same(together[i], alone);
      expect(together[i]?.tokens).toBe(pair.tokenizer.encode(text).length);
    }
  });
});

describe('variants', () => {
  it('replaces only the rationale by as many random tokens, drawn from the seed', async () => {
    const sections: Section[] = ['question', 'rationale', 'answer'];
    const own = await gather(TEACHER, problems(3), sections);
    const draw = (seed: number) => gather(TEACHER, problems(3), sections, { variant: 'random-tokens', seed });
    const [first, again, other] = [await draw(1), await draw(1), await draw(2)];
    expect(again).toEqual(first);
    for (const [i, sample] of first.entries()) {
      const was = own[i] as SampleStates;
      const isRationale = (n: number): boolean => SECTIONS[sample.sections[n] as number] === 'rationale';
      const words = (s: SampleStates | undefined) => s?.texts.filter((_, n) => isRationale(n));
      expect(Array.from(sample.sections)).toEqual(Array.from(was.sections));
      expect(sample.texts.filter((_, n) => !isRationale(n))).toEqual(
        was.texts.filter((_, n) => !isRationale(n)),
      );
      expect(words(sample)).not.toEqual(words(was));
      expect(words(sample)).not.toEqual(words(other[i]));
      for (const word of words(sample) ?? []) expect(word).not.toMatch(/^<(pad|unk|\/s|id .*)>$/);
      const asked =
        was.sections.findIndex((s) => SECTIONS[s] !== 'question') * (was.states.length / was.tokens);
      expect(relativeError(sample.states.subarray(0, asked), was.states.subarray(0, asked))).toBeLessThan(
        TOLERANCE,
      );
    }
  });

  it('replaces latents and texts by random tokens', async () => {
    const options = { variant: 'random-tokens', seed: 3 } as const;
    const [thought] = await gather(STUDENT, problems(1), ['latent'], options);
    expect(thought?.tokens).toBe(thoughtsIn(loaded.student.reasoning));
    expect(thought?.texts.join()).not.toContain('z₁');
    const [text] = await gather(TEACHER, texts('Tom has 12 apples.'), ['text'], options);
    expect(text?.tokens).toBe(pair.tokenizer.encode('Tom has 12 apples.').length);
    expect(text?.texts.join('')).not.toContain('Tom has');
  });

  it('puts the next sample’s question before the same rationale for another prompt', async () => {
    const sequences = problems(3);
    const got = await gather(TEACHER, sequences, ['rationale'], { variant: 'other-prompt' });
    const crossed = sequences.map((s, i) => {
      const { about: question } = sequences[(i + 1) % 3] as Sequence;
      return { ...s, problem: { ...s.problem, question } } as Sequence;
    });
    const want = await gather(TEACHER, crossed, ['rationale']);
    const own = await gather(TEACHER, sequences, ['rationale']);
    for (const i of [0, 1, 2]) {
      same(got[i], want[i]);
      expect(relativeError(got[i]?.states ?? [], own[i]?.states ?? [1])).toBeGreaterThan(0.01);
    }
  });
});

describe('refusals', () => {
  const cases: [string, () => Promise<unknown>][] = [
    ['no tokens are chosen', () => gather(TEACHER, problems(1), [])],
    ['train-.* is a problem, which has no text tokens', () => gather(TEACHER, problems(1), ['text'])],
    ['text-1 is a text, which has no answer tokens', () => gather(TEACHER, texts('a'), ['answer'])],
    ['from two passes', () => gather(STUDENT, problems(1), ['rationale', 'latent'])],
    ['there are no thought tokens', () => gather(TEACHER, problems(1), ['thought' as Section])],
    [
      'a second sample, and there is only one',
      () => gather(TEACHER, problems(1), ['rationale'], { variant: 'other-prompt' }),
    ],
    ['texts have no prompt', () => gather(TEACHER, texts('a', 'b'), ['text'], { variant: 'other-prompt' })],
    ['not a control', () => gather(STUDENT, problems(2), ['latent'], { variant: 'other-prompt' })],
    [
      'checkpoint 7 is not kept; there are 3',
      () => gather({ kind: 'student', checkpoint: 7 }, [], ['latent']),
    ],
    ['no checkpoint is open', () => gather({ kind: 'opened' }, [], ['text'])],
    ['there is no sample "train-x"', async () => sequencesOf({ kind: 'ids', ids: ['train-x'] }, loaded)],
    [
      'the sample "train-1" is chosen twice',
      async () => sequencesOf({ kind: 'ids', ids: ['train-1', 'train-2', 'train-1'] }, loaded),
    ],
    ['there are 4096', async () => sequencesOf({ kind: 'ids', ids: ['train-5000'] }, loaded)],
    ['samples: 0;', async () => problems(0)],
    ['samples: 4097;', async () => problems(4097)],
    ['seed: -1;', async () => problems(1, -1)],
    ['text 2 is empty', async () => texts('a', ' \n')],
    ['no data set is loaded', async () => sequencesOf({ kind: 'ids', ids: ['train-1'] }, {})],
  ];
  it.each(cases)('%s', async (message, call) => {
    const failed = await call().then(
      () => undefined,
      (error: Error) => error,
    );
    expect(failed).toMatchObject({ code: 'input' });
    expect(failed?.message).toMatch(new RegExp(message));
  });

  it('refuses a text that is too long, a student without latents, no pair, no student', async () => {
    const long = texts('apples '.repeat(4200));
    await expect(gather(TEACHER, long, ['text'])).rejects.toThrow(/takes \d+ positions; .* has 256/);
    const resolved = resolveSubject(TEACHER, loaded);
    const config = { ...resolved.model.config, maxPositions: 2 ** 17 };
    const patient = { ...resolved, model: { ...resolved.model, config } };
    await expect(gatherStates(models, patient, long, ['text'])).rejects.toThrow(MemoryError);
    const direct = { ...loaded, student: { ...loaded.student, reasoning: thinking(0) } };
    expect(() => statesBytes(resolveSubject(STUDENT, direct), problems(1), ['latent'])).toThrow(
      'the student has no latent steps',
    );
    expect(() => resolveSubject(STUDENT, { pair, checkpoints: new Map() })).toThrow(
      'no student has been trained',
    );
    expect(() => resolveSubject(TEACHER, { checkpoints: new Map() })).toThrow('no models are loaded');
  });

  it('reads what comes after a span only where a thought needs it', async () => {
    const spans: [Subject, Section[], TokenSpan, number][] = [
      [TEACHER, ['rationale'], { first: 2, last: 3 }, 3],
      [TEACHER, ['question', 'rationale'], { first: 1, last: 4 }, 0],
      // The first two of three latents, and all of them with one token of the answer.
      [STUDENT, ['latent'], { first: 1, last: 2 }, 3],
      [STUDENT, ['latent', 'answer'], { first: 2, last: 4 }, 4],
    ];
    for (const [subject, sections, span, after] of spans) {
      const resolved = resolveSubject(subject, loaded);
      const asked = problems(3);
      const fed = fedSequences(resolved, asked, sections, { span });
      const questions = fedSequences(resolved, asked, ['question']);
      for (const [i, { positions }] of fed.entries())
        expect(positions).toHaveLength(after === 0 ? 4 : (questions[i]?.positions.length ?? 0) + after);
      const whole = await gather(subject, asked, sections);
      const part = await gather(subject, asked, sections, { span });
      const width = resolved.model.config.layers * resolved.model.config.hiddenSize;
      for (const [i, { texts, states }] of whole.entries())
        same(part[i], {
          ...(whole[i] as SampleStates),
          texts: texts.slice(span.first - 1, span.last as number),
          states: states.slice((span.first - 1) * width, (span.last as number) * width),
        });
    }
    // A text of which no more is read than the model has positions for.
    const [first] = await gather(TEACHER, texts('apples '.repeat(4200)), ['text'], {
      span: { first: 1, last: 5 },
    });
    expect(first?.tokens).toBe(5);
  });

  it('refuses a model that does not fit before it is loaded, naming the layers that would', async () => {
    const resolved = resolveSubject(STUDENT, loaded);
    const config = { ...resolved.model.config, layers: 40, hiddenSize: 2048, intermediateSize: 12288 };
    const large = { ...resolved, model: { ...resolved.model, config } };
    const refusal = async (sections: readonly Section[], layers?: readonly number[]) =>
      (await gatherStates(models, large, problems(1), sections, { layers }).catch((e) => e)) as MemoryError;
    const all = Array.from({ length: 40 }, (_, l) => l + 1);
    const { message, hint } = await refusal(['rationale'], all);
    expect(message).toMatch(/^reading train-\d+ needs about \d+\.\d GB/);
    expect(hint).toMatch(/with these weights states of layers 1 to \d+ would fit\.$/);
    // All layers make a latent, and whoever asks for no layers has none to leave out.
    for (const other of [await refusal(['latent'], all), await refusal(['rationale'])]) {
      expect(other).toBeInstanceOf(MemoryError);
      expect(other.hint).not.toContain('layers');
    }
  });

  it('knows its bytes in advance, reports progress, can be cancelled between batches, and frees everything', async () => {
    const before = await left();
    const resolved = resolveSubject(STUDENT, loaded);
    const sections: Section[] = ['question', 'latent'];
    const told: number[][] = [];
    const onProgress = (...at: number[]) => told.push(at);
    const { samples } = await gatherStates(models, resolved, problems(20), sections, { onProgress });
    const bytes = samples.reduce((n, s) => n + s.states.byteLength, 0);
    expect(statesBytes(resolved, problems(20), sections)).toBe(bytes);
    expect(told).toEqual([
      [0, 20],
      [7, 20],
      [14, 20],
      [20, 20],
    ]);
    const abort = new AbortController();
    const cancelled = gatherStates(models, resolved, problems(20), sections, {
      signal: abort.signal,
      onProgress: (done) => done === 7 && abort.abort(),
    });
    await expect(cancelled).rejects.toThrow(CancelledError);
    expect(await left()).toEqual(before);
  });

  it('gives subjects names and unique keys', () => {
    const subjects: Subject[] = [TEACHER, { kind: 'base' }, STUDENT, { kind: 'student', checkpoint: 3 }];
    const resolved = subjects.map((s) => resolveSubject(s, loaded));
    expect(resolved.map((r) => r.label)).toEqual(['teacher', 'base', 'student', 'student, step 50']);
    expect(new Set(resolved.map((r) => r.key)).size).toBe(4);
    expect(subjects.map((s) => resolveSubject(s, loaded).key)).toEqual(resolved.map((r) => r.key));
  });
});
