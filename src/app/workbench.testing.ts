/**
 * A Workbench for tests of the page: it computes nothing, its numbers are made by a seeded formula, and it fails where it
 * is told to. Never part of a build.
 */
import type { RunOptions, Workbench } from '../contract/calls';
import type { RunConfig } from '../contract/config';
import type { Accuracy, Problem, Progress, Provider, RunResult, StudentReport } from '../contract/events';
import { writeInterventions } from '../contract/intervention-text';
import type { CheckpointReport } from '../contract/lens';
import { estimateMemory } from '../contract/memory';
import { METHODS, methodOf } from '../contract/methods/index';
import type { Methods } from '../contract/methods/method';
import { emptySeries, type RunSeries } from '../contract/series-schema';
import type { SnapshotStatus } from '../contract/snapshot-status';
import { DataRoom } from '../engine/session/data/data-room';
import type { ResolvedSubject } from '../engine/session/models/subjects';
import { madeEvaluation } from './evaluation.testing';
import { madeGeneration } from './generation.testing';
import { madeInputs } from './inputs.testing';
import { madeCausalPoints, madeCausalReport, madeLensReport } from './lens.testing';
import { madeStopping } from './stopping.testing';
import { valueAt } from './store/draft';
import type { Connection } from './store/environment';
import { studentOf } from './store/student';
import { madeThoughtTestReport } from './thought-test.testing';
import { madeAnswer, madeDifference, madeSizes, madeThought } from './thoughts.testing';

export interface DoubleOptions {
  /** Milliseconds each piece of work takes. */
  readonly pace?: number;
  /** What a call rejects with, by its name. */
  readonly failures?: Partial<Record<keyof Workbench, Error>>;
  readonly webgpu?: boolean;
  /** Makes the loss NaN and the run fail at this step. */
  readonly nanAt?: number;
  /** The step that a run which fails takes its student back to; 0 for none. */
  readonly copiedAt?: number;
  /** Loses the GPU after each of these steps, once each, in their order. */
  readonly lostAt?: readonly number[];
  readonly methods?: Methods;
  /** Hears no cancel of a run, and answers a control at once. */
  readonly isDeaf?: boolean;
  /** Says nothing of having paused, as engines did before there was the event. */
  readonly isMute?: boolean;
}

export interface Double extends Connection {
  readonly calls: string[];
  die(): void;
}

const wait = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

export const engineError = (code: string, message: string, hint = '') =>
  Object.assign(new Error(message), { code, hint });

/** The double's model knows no word with a z. */
const unknownIn = (text: string): readonly string[] => [...new Set(text.match(/\S*z\S*/g))];

const cancelled = () => engineError('cancelled', 'the run was cancelled');

/** Deterministic, in [0, 1). */
const noise = (i: number) => (((Math.sin(i * 12.9898) * 43758.5453) % 1) + 1) % 1;

export function accuracyOf(correct: number, total: number): Accuracy {
  const z = 1.96;
  const p = correct / total;
  const centre = (p + (z * z) / (2 * total)) / (1 + (z * z) / total);
  const half = (z / (1 + (z * z) / total)) * Math.sqrt((p * (1 - p)) / total + (z * z) / (4 * total * total));
  return { correct, total, share: p, low: centre - half, high: centre + half };
}

/** In place of the rows that come with the page: 128 of GSM8K's form, one in four longer than the double's positions. */
const madeRows = {
  name: 'gsm8k-train-128.jsonl',
  data: new Blob(
    Array.from({ length: 128 }, (_, i) => {
      const step = `Then there are ${i}+1 = <<${i}+1=${i + 1}>>${i + 1} pens. `;
      const solution = Array.from({ length: i % 4 === 3 ? 40 : 1 + (i % 4) }, () => step).join('\n');
      return `${JSON.stringify({ question: `Mia has ${i} pens. How many?`, answer: `${solution}\n#### ${i + 1}` })}\n`;
    }),
  ),
};

/** Reads rows by words, each a token, with 256 positions. */
const reader = {
  source: 'stories',
  tokenizer: {
    encode: (text: string) => Array.from(text.match(/\S+/g) ?? [], (_, i) => i),
    decode: () => '',
  },
  model: { config: { layers: 6, hiddenSize: 96, maxPositions: 256 } },
} as unknown as ResolvedSubject;

const problem = (i: number): Problem => ({
  id: `held-out-${i}`,
  question: `Mia has ${3 + i} boxes of ${4 + (i % 5)} pens. She gives ${2 + (i % 3)} pens away. How many pens are left?`,
  steps: [
    `${3 + i}*${4 + (i % 5)}=${(3 + i) * (4 + (i % 5))}`,
    `${(3 + i) * (4 + (i % 5))}-${2 + (i % 3)}=${(3 + i) * (4 + (i % 5)) - 2 - (i % 3)}`,
  ],
  answer: String((3 + i) * (4 + (i % 5)) - 2 - (i % 3)),
});

export function double({
  pace = 1,
  failures = {},
  webgpu = false,
  nanAt,
  copiedAt = 0,
  lostAt = [],
  methods = METHODS,
  isDeaf = false,
  isMute = false,
}: DoubleOptions = {}): Double {
  const calls: string[] = [];
  const listeners: ((error: Error & { code: string; hint: string | null }) => void)[] = [];
  const asked: { wish: 'pause' | 'resume' | 'stop' } = { wish: 'resume' };
  const losses = [...lostAt];
  let provider: Provider = 'wasm';
  let sessions = 0;
  const session = new Map<number, { steps: number; question: string }>();
  let taught: string | null = null;
  let rejectAll: (error: Error) => void = () => {};
  const death = new Promise<never>((_resolve, reject) => {
    rejectAll = reject;
  });
  death.catch(() => {});

  const begin = async (name: keyof Workbench, ...args: unknown[]) => {
    calls.push(
      [name, ...args.map((arg) => (typeof arg === 'object' ? JSON.stringify(arg) : String(arg)))].join(' '),
    );
    await wait(pace);
    if (failures[name]) throw failures[name];
  };

  const work = async (
    phase: Progress['phase'],
    unit: Progress['unit'],
    total: number,
    tell: (progress: Progress) => void,
    signal?: AbortSignal,
  ) => {
    const from = performance.now();
    for (let done = 0; done <= 8; done++) {
      if (signal?.aborted) throw cancelled();
      tell({ phase, done: Math.round((total * done) / 8), total, unit, elapsed: performance.now() - from });
      await wait(pace * 4);
    }
  };

  const model = {
    modelType: 'llama',
    parameters: 1_032_192,
    bytes: 4_061_728,
    layers: 6,
    hidden: 96,
    intermediate: 256,
    heads: 6,
    kvHeads: 3,
    vocabulary: 412,
    tied: true,
    licence: 'MIT',
  };
  let kept: CheckpointReport[] = [];
  const rows = new DataRoom();
  /** What the double writes for a snapshot. */
  const openFile = (file: Uint8Array): { readonly config: RunConfig; readonly step: number } =>
    JSON.parse(new TextDecoder().decode(file));

  const seriesUpTo = (count: number): RunSeries => {
    const column = (value: number) => new Array<number>(count).fill(value);
    return {
      ...emptySeries,
      step: column(0).map((_, i) => i + 1),
      learningRate: column(1e-3),
      gradientNorm: column(1),
      milliseconds: column(42),
      losses: { total: column(2) },
    };
  };

  const train = async (config: RunConfig, options?: RunOptions, first = 0): Promise<RunResult> => {
    Object.assign(asked, { wish: 'resume' });
    kept = [];
    const tell = (progress: Progress) => options?.report?.({ kind: 'progress', progress });
    await work('teacher', 'samples', config.data.samples, tell, options?.signal);
    await work('compile', 'programs', 4, tell, options?.signal);
    const { steps } = config.optimiser;
    const from = performance.now();
    let step = first;
    const say = (state: 'running' | 'paused') => !isMute && options?.report?.({ kind: 'state', state });
    let isPaused = false;
    const keep = async (status: SnapshotStatus) => {
      const file = new TextEncoder().encode(JSON.stringify({ config, step }));
      await options?.keep?.({ step, steps, status, file });
      const told = { bytes: file.byteLength, milliseconds: 1, failure: null };
      if (options?.keep) options.report?.({ kind: 'kept', step, every: interval, ...told });
    };
    const interval = config.keeping.every || 10;
    say('running');
    if (first > 0) options?.report?.({ kind: 'resumed', step, steps, series: seriesUpTo(step), provider });
    await keep('training');
    while (step < steps && asked.wish !== 'stop') {
      if (options?.signal?.aborted && !isDeaf) throw cancelled();
      if (asked.wish === 'pause') {
        await wait(pace);
        if (!isPaused) say('paused');
        isPaused = true;
        continue;
      }
      if (isPaused) say('running');
      isPaused = false;
      step++;
      if (step % 4 === 0) await wait(pace);
      const fall = Math.exp(-step / (steps / 4));
      const wobble = 1 + 0.25 * (noise(step) - 0.5);
      const terms: Record<string, number> = Object.fromEntries(
        methodOf(config.method, methods)
          .terms.filter(({ weight }) => valueAt(config, weight) !== 0)
          .map(({ name }, i) => [name, (2.4 / (i + 1)) * fall * wobble + 0.1 * (i + 1)]),
      );
      const total = step === nanAt ? Number.NaN : Object.values(terms).reduce((a, b) => a + b, 0);
      options?.report?.({
        kind: 'step',
        step,
        steps,
        learningRate:
          config.optimiser.learningRate *
          Math.min(1, step / (steps * 0.05)) *
          0.5 *
          (1 + Math.cos((Math.PI * step) / steps)),
        losses: { total, ...terms },
        gradientNorm: (2 * fall + 0.3) * wobble,
        milliseconds: 42,
      });
      tell({ phase: 'train', done: step, total: steps, unit: 'steps', elapsed: performance.now() - from });
      if (step === nanAt) {
        if (copiedAt > 0)
          options?.report?.({ kind: 'student', student: studentOf('copy', config, copiedAt, methods) });
        throw engineError(
          'numeric',
          `the loss is not a number at step ${step}`,
          'Lower the learning rate or the weights of the terms.',
        );
      }
      if (step === losses[0]) {
        losses.shift();
        throw engineError('lost', 'the GPU device was lost: test', 'Open it again.');
      }
      const { every, samples } = config.observation;
      if (every > 0 && step % every === 0) {
        kept = [...kept, { id: step / every, step, label: `student, step ${step}` }];
        const sigma = Float32Array.from({ length: 24 }, (_, r) => Math.exp(-r * (0.2 + 0.4 * fall)));
        options?.report?.({
          kind: 'spectrum',
          step,
          checkpoint: step / every,
          samples,
          sigma,
          cumulative: sigma.map((_, r) => (r + 1) / sigma.length),
          effectiveRank: 1 + 8 * (1 - fall),
          stableRank: 1 + 2 * (1 - fall),
          cosine: 0.2 + 0.7 * fall,
          milliseconds: 12,
        });
      }
      if (config.evaluation.every > 0 && step % config.evaluation.every === 0) {
        const correct = Math.round(config.data.validation * 0.45 * (1 - fall));
        options?.report?.({
          kind: 'evaluation',
          step,
          set: 'validation',
          accuracy: accuracyOf(correct, config.data.validation || 1),
          milliseconds: 300,
        });
      }
      if (step % interval === 0) await keep('training');
    }
    await keep(step < steps ? 'stopped' : 'done');
    const heldOut = accuracyOf(86, 200);
    options?.report?.({ kind: 'evaluation', step, set: 'held-out', accuracy: heldOut, milliseconds: 3000 });
    const student: StudentReport = { ...studentOf(`run-${calls.length}`, config, step, methods) };
    options?.report?.({ kind: 'student', student });
    const result: RunResult = {
      config,
      student,
      status: asked.wish === 'stop' ? 'stopped' : 'done',
      steps: step,
      heldOut,
      teacher: accuracyOf(157, 200),
      seconds: { teacher: 3.1, compile: 1.2, train: 41.5, evaluate: 12.2 },
      programs: 7,
      trainable: 98_304,
      provider: 'wasm',
      models: { base: 'a'.repeat(64), teacher: 'b'.repeat(64) },
    };
    return result;
  };

  const workbench: Workbench = {
    async lens(request, options) {
      await begin('lens', request);
      const tell = (progress: Progress) => options?.report?.(progress);
      await work('states', 'samples', 16, tell, options?.signal);
      await work('spectra', 'matrices', 16, tell, options?.signal);
      return madeLensReport(request);
    },
    async lensCost(request) {
      await begin('lensCost', request);
      const matrices = 16 * (1 + request.controls.length);
      return {
        matrices,
        largest: [288, 96],
        bytes: 2_400_000,
        limit: 2 ** 30,
        passing: [],
        reading: { samples: 16, tokens: 1600 },
        seconds: { reading: 0.6, decomposing: 0.02 * matrices },
      };
    },
    async causal(request, options) {
      await begin('causal', request);
      const points = madeCausalPoints(request, accuracyOf);
      const total = request.problems * (points.length + 1);
      for (const [i, point] of points.entries()) {
        await wait(pace * 4);
        if (options?.signal?.aborted) throw cancelled();
        options?.report?.({ kind: 'point', point });
        const done = (i + 1) * request.problems;
        options?.report?.({ phase: 'causal', done, total, unit: 'problems', elapsed: 10 * done });
      }
      const whole = accuracyOf(Math.round(request.problems * 0.8), request.problems);
      return madeCausalReport(request, points, whole);
    },
    async evaluate({ known = [], identity: _identity, data: _data, ...request }, options) {
      await begin('evaluate', { ...request, ...(known.length > 0 && { known: known.length }) });
      const { head, items } = madeEvaluation(request);
      options?.report?.({ kind: 'evaluation', head });
      const left = items.filter(({ id }) => !known.includes(id));
      for (let from = 0; from < left.length; from += 10) {
        await wait(pace * 4);
        if (options?.signal?.aborted) throw cancelled();
        options?.report?.({ kind: 'items', items: left.slice(from, from + 10) });
        const done = known.length + Math.min(left.length, from + 10);
        options?.report?.({ phase: 'evaluate', done, total: items.length, unit: 'problems', elapsed: done });
      }
      return { ...head, items: left, milliseconds: 15 * left.length };
    },
    async stopping(request, options) {
      await begin('stopping', request);
      const tell = (progress: Progress) => options?.report?.(progress);
      await work('thoughts', 'problems', request.problems, tell, options?.signal);
      return madeStopping(request);
    },
    async testThoughts(request, options) {
      await begin('testThoughts', request);
      const tell = (progress: Progress) => options?.report?.(progress);
      await work('thoughts', 'problems', request.problems, tell, options?.signal);
      return madeThoughtTestReport(request, accuracyOf);
    },
    async checkpoints() {
      await begin('checkpoints');
      return [...kept];
    },
    async describeConfig(config) {
      await begin('describeConfig', config);
      return { ...model, name: 'described', role: 'opened', bytes: 0, sha256: '', measured: [] };
    },
    async openCheckpoint(files, options) {
      await begin('openCheckpoint', ...files.map(({ name }) => name));
      const tell = (progress: Progress) => options?.report?.(progress);
      await work('load', 'bytes', 1_056_504, tell, options?.signal);
      if (!files.some(({ name }) => name === 'config.json'))
        throw engineError(
          'file',
          'config.json is missing',
          'Choose config.json together with the other files.',
        );
      return {
        ...model,
        ...{ name: 'stories', role: 'opened', sha256: 'c'.repeat(64), measured: [], storage: 'f32' },
      };
    },
    async closeCheckpoint() {
      await begin('closeCheckpoint');
    },
    async storeWeights(storage) {
      await begin('storeWeights', storage);
      return { ...model, name: 'stories', role: 'opened', sha256: 'c'.repeat(64), measured: [], storage };
    },
    async storageErrors(options) {
      await begin('storageErrors');
      await work('states', 'samples', 2, (progress) => options?.report?.(progress), options?.signal);
      const ranks = [0, 1, 2, 3].map((more) => [3, 8, 14, 19, 24, 29].map((rank) => rank + more));
      const changed = ranks.map((all, i) => all.map((rank, l) => (i === 3 && l === 2 ? rank + 1 : rank)));
      const states = { error: 6.1e-3, largest: { layer: 6, error: 9.8e-3 } };
      return {
        layers: [1, 3, 6],
        reference: {
          ...{ storage: 'f32', text: 'Tom has 12 apples.', tokens: 32 },
          ...{ shares: [0.8, 0.9, 0.95, 0.99], ranks },
        },
        storages: [
          { storage: 'half', weights: { error: 0, zeroed: 0 }, states: { ...states, error: 0, ranks } },
          { storage: 'int8', weights: { error: 4.4e-3, zeroed: 0 }, states: { ...states, ranks } },
          {
            ...{ storage: 'int4', weights: { error: 7.1e-2, zeroed: 0.1 } },
            states: { error: 0.11, largest: { layer: 6, error: 0.14 }, ranks: changed },
          },
        ],
      };
    },
    async openData(from, reading, options) {
      await begin('openData', ...('url' in from ? [from.url] : from.map(({ name }) => name)));
      await work('rows', 'bytes', 71_370, (progress) => options?.report?.(progress), options?.signal);
      return rows.open('url' in from ? [madeRows] : from, reading);
    },
    async dataRows(query) {
      await begin('dataRows', query);
      return rows.rows(query);
    },
    async countTokens(subject, options) {
      await begin('countTokens', subject);
      await work('tokens', 'rows', 128, (progress) => options?.report?.(progress), options?.signal);
      return rows.count(reader, options);
    },
    async rowsCost(subject, source, options) {
      await begin('rowsCost', subject, source);
      return rows.cost(reader, source, options);
    },
    async checkDevice(options) {
      await begin('checkDevice');
      await work('check', 'kernels', 8, (progress) => options?.report?.(progress), options?.signal);
      const row = { runsOn: 'cpu', cases: 3, milliseconds: 12.5, failure: null } as const;
      return {
        adapter: 'google · swiftshader (software), not in use: WASM was chosen',
        checks: [
          {
            ...row,
            kernel: 'SVD',
            measure: 'σ, relative to σ₁',
            largestError: 1e-7,
            tolerance: 1e-6,
            passed: true,
          },
          {
            ...row,
            kernel: 'Moments',
            measure: 'C, relative',
            largestError: 3e-4,
            tolerance: 1e-5,
            passed: false,
          },
          {
            ...row,
            kernel: 'Anchor loss',
            measure: 'loss, relative',
            largestError: Number.NaN,
            tolerance: 1e-5,
            passed: false,
            failure: 'shader "anchor loss" (gradient) does not compile: 3:1 unexpected token',
          },
        ],
        milliseconds: 40,
      };
    },
    closeDevice: () => begin('closeDevice'),
    async open(wanted) {
      await begin('open', wanted);
      const gpu = wanted === 'webgpu' || (wanted === 'auto' && webgpu);
      provider = gpu ? 'webgpu' : 'wasm';
      return {
        provider,
        reason: gpu
          ? ''
          : wanted === 'wasm'
            ? 'chosen'
            : 'the only WebGPU adapter is a software one (SwiftShader)',
        adapter: {
          vendor: 'google',
          architecture: 'swiftshader',
          description: 'SwiftShader Device',
          software: true,
        },
        threads: 2,
        crossOriginIsolated: true,
        runtimeVersion: '1.30.0',
      };
    },
    async loadPair(url, options) {
      await begin('loadPair', url);
      await work('load', 'bytes', 8_123_456, (progress) => options?.report?.(progress), options?.signal);
      return {
        models: [
          {
            ...model,
            name: 'base',
            role: 'base',
            sha256: 'a'.repeat(64),
            measured: [{ what: 'direct answer, 1000 problems', value: '3.8 %' }],
          },
          {
            ...model,
            name: 'teacher',
            role: 'teacher',
            sha256: 'b'.repeat(64),
            measured: [{ what: 'explicit chain of thought, 1000 problems', value: '78.4 %' }],
          },
        ],
        dataset: 'synthetic word problems, 2 to 4 steps, seed 7',
        knows: [
          { kind: 'names', words: ['Ann', 'Tom'] },
          { kind: 'numbers', words: ['0 to 99, in digits'] },
        ],
        seconds: 1.4,
      };
    },
    async problems(split, from, count) {
      await begin('problems', split, from, count);
      return Array.from({ length: count }, (_, i) => problem(from + i));
    },
    async distil(config, options) {
      await begin('distil', config.method);
      return train(config, options);
    },
    async resume(file, options) {
      const { config, step } = openFile(file);
      await begin('resume', `from step ${step}`);
      return train(config, options, step);
    },
    async openStudent(file) {
      const { config, step } = openFile(file);
      await begin('openStudent', `step ${step}`);
      return studentOf('kept', config, step, methods);
    },
    async runCost(config) {
      await begin('runCost');
      const model = { parameters: 1e6, layers: 4, hidden: 64, intermediate: 128, heads: 4, kvHeads: 4 };
      const purpose = { kind: 'distil', sequences: 2, tokens: 60, rank: config.lora.rank } as const;
      return {
        data: {
          ...{ name: 'rows.jsonl', sha256: '0'.repeat(64), rule: 'last-number', leftOut: 0 },
          ...{ training: ['row-1'], validation: [], leftOutRows: [], notes: [] },
          heldOut: Array.from({ length: config.data.heldOut }, (_, i) => `held-out-${i}`),
        },
        ...{ student: 'stories', teacher: 'stories itself', batch: 2, tokens: 60 },
        ...{ composition: 'whole', storage: 'f32' },
        memory: estimateMemory({ ...model, vocabulary: 512, tied: true }, 'wasm', purpose),
        reading: { states: 1e6, held: true, readings: 1, bytes: 1e6 },
        kept: 1_200_000,
        seconds: {
          ...{ step: 0.5, teacher: 1, all: 80 },
          evaluation: { validation: 1, heldOut: 2, written: 0, teacher: 0.5, observation: 0.5, all: 4 },
        },
      };
    },
    async keepTeacher(source = { kind: 'student' }) {
      await begin('keepTeacher', source.kind === 'run' ? openFile(source.file).step : source.kind);
      return { label: 'LoRi, 128 samples, seed 1', model: 'word-problems-base', sha256: '0'.repeat(64) };
    },
    async control(command) {
      await begin('control', command);
      asked.wish = command;
    },
    async openQuestion({ question, expected, student, steps = 5, latent }) {
      await begin('openQuestion', question, student, steps);
      if (question.trim() === '')
        throw engineError(
          'input',
          'the question has no tokens',
          'Type a question, or pick one of the held-out problems.',
        );
      if (steps < 1)
        throw engineError(
          'input',
          `K is ${steps}; at least one latent step is needed`,
          'Choose K between 1 and 32.',
        );
      session.set(++sessions, { steps, question });
      return {
        session: sessions,
        question,
        tokens: question.split(/(?= )/),
        unknown: unknownIn(question),
        latentSteps: steps,
        prompt: [' The', ' answer', ' is', ':'],
        expected: expected ?? null,
        student: student === 'trained' ? 'LoRi, 300 steps' : 'base, untrained',
        filter: latent?.filter ?? 'softmax',
        temperature: latent?.temperature ?? 1,
        identity: { base: 'a'.repeat(64), student: student === 'trained' ? 'd'.repeat(64) : null },
        ...madeSizes,
      };
    },
    // Not among the calls: the page asks whenever a text rests.
    async previewTokens({ texts, template }) {
      return {
        texts: texts.map((text) => ({
          text: template === undefined ? text : `<user>${text}`,
          tokens: text.split(/(?= )/).map((part, id) => {
            const [unknown] = unknownIn(part);
            return unknown === undefined
              ? { id, text: part, special: false }
              : { id, text: '<unk>', special: true, unknown };
          }),
          count: text.split(/(?= )/).length,
          unknown: unknownIn(text),
          refused: text === '' ? { message: 'the text has no tokens', hint: 'Type another one.' } : null,
        })),
        positions: 256,
        templates: [],
      };
    },
    // Not among the calls either.
    async runInputs({ config, of }) {
      if (failures.runInputs) throw failures.runInputs;
      return madeInputs(of, config.data.samples);
    },
    async thought(moment) {
      await begin('thought', moment.session, moment.step);
      const { question, steps } = session.get(moment.session)!;
      return madeThought(moment, question.split(/(?= )/), steps, taught === question);
    },
    async answer(moment) {
      await begin('answer', moment.session);
      return madeAnswer(moment);
    },
    async compareAnswers({ before, after }) {
      await begin(
        'compareAnswers',
        writeInterventions(before.interventions),
        writeInterventions(after.interventions),
      );
      return madeDifference(before, after);
    },
    async exportModel(request, options) {
      await begin('exportModel', request);
      await work('write', 'bytes', 4, (progress) => options?.report?.(progress), options?.signal);
      return {
        name: `made-up-${request.format}.zip`,
        blob: new Blob([new Uint8Array(64)]),
        files: [{ name: 'adapter_model.safetensors', bytes: 64 }],
        notes: ['A note.'],
        milliseconds: 3,
      };
    },
    async exportRun({ format, run, student }, options) {
      await begin('exportRun', format, run.id);
      await work('write', 'bytes', 4, (progress) => options?.report?.(progress), options?.signal);
      const { step } = openFile(student);
      return {
        name: `made-up-${format}.zip`,
        blob: new Blob([JSON.stringify({ run, student: new TextDecoder().decode(student) })]),
        files: [{ name: 'student.safetensors', bytes: student.length }],
        notes: [`Step ${step}.`],
        milliseconds: 3,
      };
    },
    async openRun({ name, data }) {
      await begin('openRun', name);
      const { run, student } = JSON.parse(await data.text());
      const file = new TextEncoder().encode(student);
      const { config, step } = openFile(file);
      const { steps } = config.optimiser;
      return { ...{ run, step, steps, student: file, notes: [] }, status: step < steps ? 'stopped' : 'done' };
    },
    async exportStates(request, options) {
      await begin('exportStates', request);
      await work('states', 'samples', 4, (progress) => options?.report?.(progress), options?.signal);
      return {
        name: `made-up-${request.subject.kind}.${request.format}`,
        blob: new Blob([new Uint8Array(64)]),
        shape: [2, 4, 2],
        layers: request.layers ?? [1, 2],
        samples: [],
        label: request.subject.kind,
        model: 'made up',
        milliseconds: 12,
      };
    },
    async generate(request, options) {
      await begin('generate', request);
      return madeGeneration(request, {
        pace: () => wait(pace),
        report: options?.report,
        signal: options?.signal,
      });
    },
    async explicit(question) {
      await begin('explicit', question);
      taught = question;
      return {
        rationale: '<<3*4=12>> <<12-2=10>>',
        value: '10',
        text: '<<3*4=12>> <<12-2=10>> The answer is: 10',
        tokens: 24,
        chain: ['<<', '3', '*', '4', '=', '12', '>>'].map((text) => ({
          text,
          probability: 0.97,
          milliseconds: 8.5,
        })),
        milliseconds: 212,
      };
    },
  };

  const alive = Object.fromEntries(
    Object.entries(workbench).map(([name, call]) => [
      name,
      (...args: unknown[]) => Promise.race([(call as (...a: unknown[]) => Promise<unknown>)(...args), death]),
    ]),
  ) as unknown as Workbench;

  return {
    ...alive,
    calls,
    dispose: () => rejectAll(engineError('worker', 'the engine was shut down')),
    onDeath: (listener) => void listeners.push(listener as never),
    die() {
      const error = engineError(
        'worker',
        'the engine stopped without reporting an error',
        'Restart the engine.',
      );
      rejectAll(error);
      for (const listener of listeners) listener(error);
    },
  };
}
