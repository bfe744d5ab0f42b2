import { describe, expect, it, onTestFinished } from 'vitest';
import type { CallOptions, Workbench } from '../contract/calls';
import type { ModelReport, RunEvent, RunResult } from '../contract/events';
import { type CausalReport, FIGURE_6, type LensReport, type LensRequest } from '../contract/lens';
import type { RunSnapshot } from '../contract/snapshot';
import { InputError, LoadError } from '../engine/base/errors';
import { type ConnectOptions, connect, type EngineError } from './client';
import { transferablesOf } from './rpc';
import { serve } from './serve';

const unused = () => Promise.reject(new Error('not part of this test'));
const nothing: Workbench = {
  open: unused,
  closeDevice: unused,
  loadPair: unused,
  problems: unused,
  lens: unused,
  lensCost: unused,
  exportStates: unused,
  exportModel: unused,
  exportRun: unused,
  openRun: unused,
  causal: unused,
  evaluate: unused,
  stopping: unused,
  testThoughts: unused,
  checkpoints: unused,
  openCheckpoint: unused,
  closeCheckpoint: unused,
  storeWeights: unused,
  storageErrors: unused,
  describeConfig: unused,
  openData: unused,
  dataRows: unused,
  countTokens: unused,
  rowsCost: unused,
  previewTokens: unused,
  runInputs: unused,
  checkDevice: unused,
  distil: unused,
  control: unused,
  resume: unused,
  openStudent: unused,
  keepTeacher: unused,
  runCost: unused,
  openQuestion: unused,
  thought: unused,
  answer: unused,
  compareAnswers: unused,
  explicit: unused,
  generate: unused,
};

const figure: LensRequest = { ...FIGURE_6, source: { kind: 'texts', texts: ['a'] } };

function pair(workbench: Partial<Workbench>, options?: ConnectOptions, heapBytes?: () => number) {
  const { port1, port2 } = new MessageChannel();
  port1.start();
  port2.start();
  const stop = serve(port2, { ...nothing, ...workbench }, heapBytes);
  const client = connect(port1, options);
  onTestFinished(() => {
    client.dispose();
    stop();
    port1.close();
    port2.close();
  });
  return { client, die: () => port2.close() };
}

describe('rpc', () => {
  it('returns the result of a call with its arguments', async () => {
    const { client } = pair({
      problems: async (split, from, count) => [
        { id: `${split}-${from}`, question: 'q', steps: [], answer: String(count) },
      ],
    });
    expect(await client.problems('held-out', 3, 7)).toEqual([
      { id: 'held-out-3', question: 'q', steps: [], answer: '7' },
    ]);
  });

  it('delivers events in order, before the result', async () => {
    const seen: number[] = [];
    const { client } = pair({
      async lens(_request, options) {
        for (let done = 1; done <= 3; done++)
          options?.report?.({ phase: 'spectra', done, total: 3, unit: 'matrices', elapsed: done });
        return { selections: [] } as unknown as LensReport;
      },
    });
    await client.lens(figure, { report: (progress) => seen.push(progress.done) });
    expect(seen).toEqual([1, 2, 3]);
  });

  it('has the other side write a snapshot, waits for it, and learns why it failed', async () => {
    const told: unknown[] = [];
    const { client } = pair({
      async distil(_config, options) {
        for (let step = 1; step <= 2; step++) {
          const file = new Uint8Array([1, 2, 3, step]);
          const error = await options
            ?.keep?.({ step, steps: 2, status: 'training', file })
            .then(() => null)
            .catch(({ code, message, hint }) => ({ code, message, hint }));
          // It was handed over, not copied.
          told.push(`answered ${step}`, error, file.byteLength);
        }
        return { steps: 2, isKept: options?.keep !== undefined } as unknown as RunResult;
      },
    });
    const keep = async ({ step, file }: RunSnapshot) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      told.push(`written ${step}: ${file.join(' ')}`);
      if (step === 2) throw new InputError('no room', 'Make some.');
    };
    await client.distil({} as never, { keep });
    expect(told).toEqual([
      ...['written 1: 1 2 3 1', 'answered 1', null, 0],
      ...['written 2: 1 2 3 2', 'answered 2', { code: 'input', message: 'no room', hint: 'Make some.' }, 0],
    ]);
    const { client: careless } = pair({
      distil: async (_config, options) => ({ isKept: options?.keep !== undefined }) as unknown as RunResult,
    });
    expect(await careless.distil({} as never)).toEqual({ isKept: false });
  });

  it('transmits name, code, message, hint, stack and cause of an error', async () => {
    const { client } = pair({
      explicit: async (question) => {
        throw new InputError(`the question "${question}" has no tokens`, 'Type a question.', {
          cause: new Error('the deeper one'),
        });
      },
    });
    await expect(client.explicit('')).rejects.toMatchObject({
      name: 'InputError',
      code: 'input',
      message: 'the question "" has no tokens',
      hint: 'Type a question.',
      stack: expect.stringMatching(/rpc\.test[\s\S]*caused by Error: the deeper one/),
    });
  });

  it('turns an aborted signal into a cancellation without affecting other calls', async () => {
    const { client } = pair({
      distil: (_config, options?: CallOptions<RunEvent>) =>
        new Promise((_resolve, reject) => {
          options?.signal?.addEventListener('abort', () => reject(new Error('dropped')));
        }),
      control: async () => {},
    });
    const controller = new AbortController();
    const run = client.distil({} as never, { signal: controller.signal });
    await client.control('pause');
    controller.abort();
    await expect(run).rejects.toThrow('dropped');
    await client.control('resume');
  });

  it('cancels a call whose signal was already aborted', async () => {
    const { client } = pair({
      loadPair: (_url, options) =>
        new Promise((_r, reject) =>
          options?.signal?.addEventListener('abort', () => reject(new Error('early'))),
        ),
    });
    await expect(client.loadPair('x', { signal: AbortSignal.abort() })).rejects.toThrow('early');
  });

  it('transmits the files of a checkpoint with their bytes', async () => {
    const seen: [string, string][] = [];
    const { client } = pair({
      async openCheckpoint(files, options) {
        for (const { name, data } of files) seen.push([name, await data.text()]);
        options?.report?.({ phase: 'load', done: 4, total: 4, unit: 'bytes', elapsed: 1 });
        return { name: 'opened checkpoint', role: 'opened' } as ModelReport;
      },
    });
    const told: number[] = [];
    const report = await client.openCheckpoint(
      [
        { name: 'config.json', data: new Blob(['{}']) },
        { name: 'model.safetensors', data: new File(['1234'], 'model.safetensors') },
      ],
      { report: ({ done }) => told.push(done) },
    );
    expect(seen).toEqual([
      ['config.json', '{}'],
      ['model.safetensors', '1234'],
    ]);
    expect(report.role).toBe('opened');
    expect(told).toEqual([4]);
  });

  it('transfers the arrays of a report at any depth instead of copying them', async () => {
    // One array appears twice in the report.
    const made = {
      sigma: Float32Array.of(2, 1),
      energy: Float32Array.of(0.5),
      sections: Uint8Array.of(3),
      sample: Int32Array.of(7),
    };
    const { client } = pair({
      lens: async (request) =>
        ({
          request,
          selections: [
            {
              spectra: [{ label: 'a', sigma: made.sigma }],
              tucker: { energy: made.energy },
              trajectory: { sample: made.sample, section: made.sections, texts: [['x']] },
              bands: null,
            },
          ],
          controls: [{ control: 'gaussian', spectra: [{ sigma: made.sigma }] }],
          angles: null,
        }) as unknown as LensReport,
    });
    const report = await client.lens(figure);
    expect(report.request).toEqual(figure);
    const [selection] = report.selections;
    expect([...(selection?.spectra[0]?.sigma ?? [])]).toEqual([2, 1]);
    expect(selection?.tucker?.energy).toEqual(Float32Array.of(0.5));
    expect(selection?.trajectory).toEqual({
      sample: Int32Array.of(7),
      section: Uint8Array.of(3),
      texts: [['x']],
    });
    expect(report.controls[0]?.spectra[0]?.sigma).toEqual(Float32Array.of(2, 1));
    expect(Object.values(made).map((array) => array.byteLength)).toEqual([0, 0, 0, 0]);
  });

  it('delivers causal-test points and run spectra as they arrive, copying arrays', async () => {
    const point = {
      rank: 2,
      directions: 'leading',
      accuracy: { correct: 1, total: 2, share: 0.5, low: 0.1, high: 0.9 },
      outcomes: Uint8Array.of(1, 0),
      kept: [{ layer: 1, directions: 2, energy: 0.5 }],
    } as const;
    const sigma = Float32Array.of(3, 1);
    const { client } = pair({
      async causal(_request, options) {
        options?.report?.({ kind: 'point', point });
        return { points: [point] } as unknown as CausalReport;
      },
      async distil(_config, options) {
        options?.report?.({ kind: 'spectrum', step: 0, sigma } as unknown as RunEvent);
        return {} as never;
      },
      checkDevice: async (options) => {
        options?.report?.({ phase: 'check', done: 1, total: 1, unit: 'kernels', elapsed: 1 });
        return { adapter: 'test', checks: [], milliseconds: 1 };
      },
      checkpoints: async () => [{ id: 4, step: 25, label: 'student, step 25' }],
    });
    const events: unknown[] = [];
    const report = (event: unknown): void => void events.push(event);
    await client.causal({} as never, { report });
    await client.distil({} as never, { report });
    await client.checkDevice({ report });
    expect(events).toEqual([
      { kind: 'point', point: { ...point, outcomes: Uint8Array.of(1, 0) } },
      { kind: 'spectrum', step: 0, sigma: Float32Array.of(3, 1) },
      { phase: 'check', done: 1, total: 1, unit: 'kernels', elapsed: 1 },
    ]);
    // The run may still use the arrays it reported.
    expect(sigma).toHaveLength(2);
    expect(await client.checkpoints()).toEqual([{ id: 4, step: 25, label: 'student, step 25' }]);
  });

  it('copies parts of a buffer and shared memory', () => {
    const whole = new Float32Array(4);
    const shared = new Float32Array(new SharedArrayBuffer(16));
    expect(transferablesOf({ a: whole.subarray(1), b: shared })).toEqual([]);
    expect(transferablesOf({ a: [whole, whole] })).toEqual([whole.buffer]);
  });

  it('refuses methods that are not in the contract', async () => {
    const { port1, port2 } = new MessageChannel();
    port1.start();
    port2.start();
    serve(port2, nothing);
    const answer = new Promise<MessageEvent>((resolve) =>
      port1.addEventListener('message', (event) => event.data.kind !== 'heartbeat' && resolve(event)),
    );
    port1.postMessage({ kind: 'call', id: 1, method: 'constructor', args: [] });
    expect((await answer).data).toMatchObject({
      kind: 'error',
      error: { message: 'unknown call "constructor"' },
    });
    port1.close();
    port2.close();
  });

  it('holds calls until the worker listens', async () => {
    const { port1, port2 } = new MessageChannel();
    port1.start();
    port2.start(); // nobody is listening yet: whatever arrives now is lost
    const client = connect(port1);
    const call = client.control('pause');
    await new Promise((resolve) => setTimeout(resolve, 50));
    serve(port2, { ...nothing, control: async () => {} });
    await call;
    client.dispose();
    port1.close();
    port2.close();
  });

  it('rejects pending calls when the worker falls silent, and reports that once', async () => {
    const { client, die } = pair({ distil: () => new Promise(() => {}) }, { heartbeat: 20, silence: 200 });
    const told: string[] = [];
    client.onDeath((error) => told.push(error.code));
    const run = client.distil({} as never);
    die();
    await expect(run).rejects.toMatchObject({ code: 'worker', hint: expect.stringContaining('Restart') });
    await expect(client.control('stop')).rejects.toMatchObject({ code: 'worker' });
    expect(told).toEqual(['worker']);
  });

  it('does not terminate a worker that answers pings', async () => {
    const { client } = pair({ control: async () => {} }, { heartbeat: 20, silence: 100 }, () => 48e6);
    expect(client.heapBytes?.()).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await client.control('pause');
    expect(client.heapBytes?.()).toBe(48e6);
  });

  it('terminates a worker that could not load one of the page’s files, so that a new one can retry', async () => {
    const { client } = pair({
      open: async () => {
        throw new LoadError('the inference runtime could not be loaded: the host answered 404', 'Reload.');
      },
      distil: () => new Promise(() => {}),
    });
    const told: string[] = [];
    client.onDeath((error) => told.push(`${error.code}: ${error.hint}`));
    const run = client.distil({} as never);
    await expect(client.open('auto')).rejects.toMatchObject({ code: 'load', name: 'LoadError' });
    await expect(run).rejects.toMatchObject({ code: 'load' });
    await expect(client.open('auto')).rejects.toMatchObject({ code: 'load' });
    expect(told).toEqual(['load: Reload.']);
  });

  it('gives every error a hint, none too long to show', async () => {
    const { client } = pair({
      explicit: async () => {
        throw new RangeError('x'.repeat(1e6));
      },
    });
    const error = await client.explicit('').catch((thrown: EngineError) => thrown);
    expect(error).toMatchObject({
      code: 'unexpected',
      hint: expect.stringContaining('bug in the program'),
    });
    expect((error as EngineError).message.length).toBeLessThanOrEqual(2000);
  });

  it('needs no secure context', async () => {
    const { randomUUID } = crypto;
    Object.defineProperty(crypto, 'randomUUID', { value: undefined, configurable: true });
    try {
      await pair({ control: async () => {} }).client.control('pause');
    } finally {
      Object.defineProperty(crypto, 'randomUUID', { value: randomUUID, configurable: true });
    }
  });

  it('rejects pending calls on dispose without reporting a death', async () => {
    const { client } = pair({ distil: () => new Promise(() => {}) });
    let told = 0;
    client.onDeath(() => told++);
    const run = client.distil({} as never);
    client.dispose();
    await expect(run).rejects.toMatchObject({ code: 'worker' });
    expect(told).toBe(0);
  });
});
