/** The engine in its worker, as the app runs it, behind functions that `../page.mjs` calls. */
import { parseRunConfig } from '../../../../src/contract/config';
import { AS_DETECTED } from '../../../../src/contract/data';
import type { ModelReport } from '../../../../src/contract/events';
import { generateDefaults } from '../../../../src/contract/generate';
import { CONTROLS, FIGURE_6, type LensReport, type LensRequest } from '../../../../src/contract/lens';
import { estimateAsRun, type MemoryEstimate, type Purpose } from '../../../../src/contract/memory';
import { vouchForOwnScripts } from '../../../../src/contract/trusted-types';
import type { WeightStorage } from '../../../../src/contract/weight-storage';
import { connect } from '../../../../src/worker/client';
import { lensOf, lensRequest } from '../requests';

vouchForOwnScripts();
const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'engine' });
// A software adapter may be silent for minutes while it compiles a program.
const engine = connect(worker, { silence: 600_000 });
const channel = new BroadcastChannel('counts');

const clock = async <T>(run: () => Promise<T>): Promise<{ seconds: number; value: T }> => {
  const start = performance.now();
  const value = await run();
  return { seconds: Number(((performance.now() - start) / 1000).toFixed(2)), value };
};

/** Of a few tokens each. */
const ROWS = [
  { question: 'Tom has 3 .', steps: ['3 + 2 = 5'], answer: '5' },
  { question: 'Ann has 4 .', steps: ['4 + 3 = 7'], answer: '7' },
];

/** Hidden states by the provider that they came from. */
const states = new Map<string, Float32Array>();

/** What is open, and where: what the page's estimates depend on. */
const at: { provider: 'wasm' | 'webgpu'; model?: ModelReport } = { provider: 'wasm' };

/** Bytes that the page says a purpose takes: at most, and with what earlier requests may have left. */
function estimateOf(purpose: Purpose): Pick<MemoryEstimate, 'total' | 'kept'> | undefined {
  if (!at.model) return undefined;
  const { total, kept } = estimateAsRun(at.model, at.provider, purpose);
  return { total, kept };
}

const seen = (report: LensReport) => {
  const tokens = report.selections[0]?.spectra.map((one) => one.tokens) ?? [];
  return estimateOf({ kind: 'see', sequences: tokens.length, tokens: Math.max(...tokens) });
};

const calls = {
  device: async (provider: 'wasm' | 'webgpu') => {
    const { threads, adapter } = await engine.open(provider);
    at.provider = provider;
    return { threads, adapter: adapter?.architecture ?? null, software: adapter?.software ?? null };
  },
  open: async () => {
    const { files } = document.querySelector('input') as HTMLInputElement;
    const list = [...(files as FileList)].map((file) => ({ name: file.name, data: file }));
    const { seconds, value } = await clock(() => engine.openCheckpoint(list));
    at.model = value;
    return { seconds };
  },
  storage: async (storage: WeightStorage) => {
    at.model = await engine.storeWeights(storage);
    return { storage: at.model.storage };
  },
  lens: async (name: string) => {
    const { seconds, value } = await clock(() => engine.lens(lensRequest(name)));
    return { seconds, estimate: seen(value) };
  },
  /** The lens on so many texts of about so many tokens. */
  small: async (texts: number, tokens: number) => {
    const { seconds, value } = await clock(() => engine.lens(lensOf(texts, tokens)));
    const counted = value.selections[0]?.spectra.map((one) => one.tokens);
    return { seconds, tokens: counted, estimate: seen(value) };
  },
  /** Figure 6 of so many GSM8K rationales, of their first tokens, with every control. */
  figure6: async (samples: number, tokens: number) => {
    const all = await (await fetch('/models/data/gsm8k-train-128.jsonl')).text();
    // A word is a token or more.
    const long = all.split('\n').filter((row) => row && JSON.parse(row).answer.split(/\s+/).length > tokens);
    await engine.openData([{ name: 'gsm8k.jsonl', data: new Blob([long.join('\n')]) }], AS_DETECTED);
    const subject = { kind: 'opened' } as const;
    const request: LensRequest = {
      ...FIGURE_6,
      source: { kind: 'rows', seed: 1, samples },
      selections: [{ subject, sections: ['rationale'] }],
      span: { first: 1, last: tokens },
      controls: CONTROLS,
    };
    const { seconds, value } = await clock(() => engine.lens(request));
    const counted = value.selections[0]?.spectra.map((one) => one.tokens);
    return { seconds, tokens: counted, controls: value.controls.length, estimate: seen(value) };
  },
  /** All hidden states of a text of about so many tokens, kept under `name`, and the largest difference from those before. */
  states: async (name: string, tokens: number) => {
    const { source } = lensOf(1, tokens);
    const { seconds, value } = await clock(() =>
      engine.exportStates({
        source,
        subject: { kind: 'opened' },
        sections: ['text'],
        layers: null,
        format: 'npy',
      }),
    );
    const length = value.shape.reduce((n, d) => n * d, 1);
    const bytes = await value.blob.arrayBuffer();
    const own = new Float32Array(bytes.slice(bytes.byteLength - 4 * length));
    const others = [...states].map(([other, they]) => [other, difference(own, they)] as const);
    states.set(name, own);
    const estimate = estimateOf({ kind: 'see', sequences: 1, tokens: value.shape[1] });
    return { seconds, shape: value.shape, from: Object.fromEntries(others), estimate };
  },
  generate: async (limit: number) => {
    const settings = { ...generateDefaults, limit };
    const request = { subject: { kind: 'opened' as const }, prompt: 'Tom has 12 apples', stop: [], settings };
    const { seconds, value } = await clock(() => engine.generate(request));
    const ids = value.samples[0]?.tokens.map(({ id }) => id);
    const prompt = value.prompt.length;
    return {
      ...{ all: seconds, report: { ...value.seconds }, tokens: ids?.length, ids: ids?.slice(0, 8) },
      estimate: estimateOf({ kind: 'generate', sequences: 1, tokens: prompt + limit, prompt }),
    };
  },
  /** One step of a method, K latents where it has any, on one row of a few tokens. */
  step: async (method: string, latents: number) => {
    const data = new Blob([JSON.stringify(ROWS)]);
    await engine.openData([{ name: 'rows.json', data }], AS_DETECTED);
    const config = parseRunConfig({
      method,
      roles: { student: 'opened', teacher: 'self', data: 'opened' },
      data: { samples: ROWS.length, validation: 0, heldOut: 0 },
      ...(method.includes('cot') ? {} : { latent: { steps: latents } }),
      optimiser: { steps: 1, batch: 1 },
      evaluation: { every: 0 },
      observation: { every: 0 },
    });
    const { tokens, composition, storage, memory } = await engine.runCost(config);
    let losses: unknown;
    const { seconds, value } = await clock(() =>
      engine.distil(config, {
        report: (event) => {
          if (event.kind === 'step')
            losses = { milliseconds: event.milliseconds, gradientNorm: event.gradientNorm, ...event.losses };
        },
      }),
    );
    const { programs, trainable } = value;
    const estimate = { total: memory.total, kept: memory.kept };
    const run = { programs, trainable, parts: value.seconds, losses };
    return { seconds, tokens, composition, storage, ...run, estimate };
  },
  counts: () =>
    new Promise((resolve) => {
      channel.onmessage = ({ data }) => resolve(data);
      channel.postMessage('counts');
    }),
};

/** The norm of the difference over the norm, and the largest difference over the largest value. */
function difference(a: Float32Array, b: Float32Array): { readonly norm: string; readonly largest: string } {
  let [squares, all, most, top] = [0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number];
    squares += (x - y) ** 2;
    all += y ** 2;
    most = Math.max(most, Math.abs(x - y));
    top = Math.max(top, Math.abs(y));
  }
  return { norm: Math.sqrt(squares / all).toExponential(1), largest: (most / top).toExponential(1) };
}

Object.assign(globalThis, { bench: calls });
