import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Progress } from '../../../contract/events';
import type {
  GeneratedToken,
  GenerateEvent,
  GenerateReport,
  GenerateReporting,
  GenerateRequest,
  GenerateSettings,
} from '../../../contract/generate';
import { generateDefaults } from '../../../contract/generate';
import { CancelledError, InputError, MemoryError, NumericError } from '../../base/errors';
import { leftPad } from '../../data/batch';
import { Decoder } from '../../decode/decoder';
import { logitsOf } from '../../decode/readout';
import type { Runtime } from '../../runtime/runtime';
import { uploadAll } from '../../runtime/upload-all';
import { type TinyPairOptions, tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { insideOf } from '../inside.testing';
import type { DeviceModels } from '../models/device-models';
import { type LoadedModels, resolveSubject } from '../models/subjects';
import { tinyRun } from '../runs/tiny-run.testing';
import { LoriWorkbench } from '../workbench';
import { lengthsOf, roundsOf } from './lengths';

/** The internals that the tests use. */
interface Inside {
  readonly opened: { readonly runtime: Runtime; readonly models: DeviceModels };
  loadedModels(): LoadedModels;
}
const inside = (workbench: LoriWorkbench) => insideOf<Inside>(workbench);

const open = async (options?: TinyPairOptions, generatedStateBytes?: number): Promise<LoriWorkbench> => {
  const workbench = new LoriWorkbench({
    ...tinyEnvironment(await tinyPair(options)),
    ...(generatedStateBytes !== undefined && { generatedStateBytes }),
  });
  await workbench.open('wasm');
  await workbench.loadPair('models');
  return workbench;
};

/** No token ends a text unless a test says so: random weights would end it anywhere. */
const NO_END = { eos_token_id: 399 };
let workbench: LoriWorkbench;
beforeAll(async () => {
  workbench = await open({ config: { ...NO_END, max_position_embeddings: 1024, vocab_size: 400 } });
});
afterAll(() => workbench.close());

const PROMPT = 'Tom has 12 apples. He buys 3 more.';
const request = (
  settings: Partial<GenerateSettings> = {},
  more: Partial<GenerateRequest> = {},
): GenerateRequest => ({
  subject: { kind: 'teacher' },
  prompt: PROMPT,
  stop: [],
  settings: { ...generateDefaults, limit: 12, ...settings },
  ...more,
});
const DRAWN = { temperature: 0.8, topK: 40, topP: 0.95 };

const isEvent = (event: GenerateReporting): event is GenerateEvent => 'kind' in event;
async function watched(value: GenerateRequest, on = workbench) {
  const events: GenerateEvent[] = [];
  const progress: Progress[] = [];
  const report = await on.generate(value, {
    report: (event) => void (isEvent(event) ? events.push(event) : progress.push(event)),
  });
  return { report, events, progress };
}
/** A token whose probabilities are as near as float32 is in batches of other sizes. */
const near = (token: GeneratedToken) => ({
  ...token,
  logProbability: expect.closeTo(token.logProbability, 4),
  probability: expect.closeTo(token.probability, 4),
});
const idsOf = ({ samples }: GenerateReport): number[][] =>
  samples.map(({ tokens }) => tokens.map(({ id }) => id));

/**
 * Log-probabilities of the given continuation, from a decoder of exactly its length, without padding, and all
 * logits in float64.
 */
async function logProbabilities(value: GenerateRequest, ids: readonly number[], on = workbench) {
  const desk = inside(on);
  const { model, tokenizer, parameters, packs } = resolveSubject(value.subject, desk.loadedModels());
  const prompt = tokenizer.encode(value.prompt);
  const used = desk.opened.models.use(model);
  const sizes = { batch: 1, question: prompt.length, capacity: prompt.length + ids.length };
  const decoder = new Decoder(used, { config: used.config, ...sizes, parameters });
  const adapter = uploadAll(
    desk.opened.runtime,
    (packs ?? []).map((data) => ({ dtype: 'f32', shape: [data.length], data })),
    (i) => `lora.${i}`,
  );
  decoder.setParameters(adapter);
  const { ids: padded, keyMask } = leftPad([prompt], prompt.length, 0);
  let state = await decoder.begin(padded, keyMask);
  const out: { chosen: number; largest: number }[] = [];
  for (const id of ids) {
    const logits = Array.from(await logitsOf(decoder, state));
    const max = Math.max(...logits);
    const logSum = max + Math.log(logits.reduce((sum, x) => sum + Math.exp(x - max), 0));
    out.push({ chosen: (logits[id] as number) - logSum, largest: logits.indexOf(max) });
    state = await decoder.step(state, { tokens: [id] });
  }
  await decoder.dispose();
  for (const pack of adapter) pack.dispose();
  await used.release();
  return out;
}

describe('generation', () => {
  it('streams what it reports, with the model’s probabilities', async () => {
    const { report, events, progress } = await watched(request());
    const [prompt, ...rest] = events;
    expect(prompt).toEqual({ kind: 'prompt', tokens: report.prompt });
    expect(report.prompt.map(({ text }) => text).join('')).toContain('12 apples');
    const tokens = rest.flatMap((event) => (event.kind === 'token' ? [event] : []));
    const [sample] = report.samples;
    expect(tokens.map(({ token }) => token)).toEqual(sample?.tokens);
    expect(rest.flatMap((event) => (event.kind === 'prompt' ? [] : [event.text])).join('')).toBe(
      sample?.text,
    );
    expect(rest.at(-1)).toMatchObject({ kind: 'ended', sample: 0, ending: 'limit' });
    expect(sample).toMatchObject({ ending: 'limit' });
    expect(sample?.tokens).toHaveLength(12);
    const told = progress.map(({ phase, done, total, unit }) => [
      phase,
      unit,
      phase === 'generate' ? total : done,
    ]);
    expect(told[0]).toEqual(['compile', 'programs', 0]);
    expect(told.at(-1)).toEqual(['generate', 'tokens', 12]);
    expect(tokens.map(({ tokensPerSecond }) => tokensPerSecond !== null)).toEqual([
      false,
      ...new Array(11).fill(true),
    ]);
    expect(report.tokensPerSecond).toBeCloseTo(11 / report.seconds.rest, 3);
    for (const seconds of Object.values(report.seconds)) expect(seconds).toBeGreaterThan(0);
    expect(report).toMatchObject({ label: 'teacher', model: 'tiny-teacher' });

    const reference = await logProbabilities(request(), idsOf(report)[0] as number[]);
    sample?.tokens.forEach(({ id, logProbability, probability }, n) => {
      expect(id).toBe(reference[n]?.largest);
      // Padding and adopting change nothing but the order of float32 sums.
      expect(logProbability).toBeCloseTo(reference[n]?.chosen as number, 4);
      expect(probability).toBe(1);
    });
  });

  it('draws the same text from the same seed, and each sample as if it were alone', async () => {
    const three = await watched(request({ ...DRAWN, samples: 3 }));
    const rows = idsOf(three.report);
    expect(new Set(rows.map((row) => row.join())).size).toBe(3);
    expect(idsOf((await watched(request({ ...DRAWN, samples: 3 }))).report)).toEqual(rows);
    expect(idsOf((await watched(request({ ...DRAWN, samples: 2 }))).report)).toEqual(rows.slice(0, 2));
    expect(idsOf((await watched(request({ ...DRAWN, seed: 2 }))).report)[0]).not.toEqual(rows[0]);
    expect(three.report.samples.map(({ text }) => text)).toEqual(
      [0, 1, 2].map((sample) =>
        three.events
          .flatMap((event) => (event.kind !== 'prompt' && event.sample === sample ? [event.text] : []))
          .join(''),
      ),
    );
    // A longer prompt that ends in the drawn text continues with the same noise, which depends on the
    // position.
    const reference = await logProbabilities(request(), rows[2] as number[]);
    three.report.samples[2]?.tokens.forEach(({ logProbability }, n) => {
      expect(logProbability).toBeCloseTo(reference[n]?.chosen as number, 4);
    });
  });

  it('is the same with a growing cache', async () => {
    const value = request({ ...DRAWN, limit: 250 });
    const { report, progress } = await watched(value);
    expect(idsOf(report)[0]).toHaveLength(250);
    expect(progress.filter(({ phase }) => phase === 'compile').length).toBeGreaterThan(3);
    const reference = await logProbabilities(value, idsOf(report)[0] as number[]);
    report.samples[0]?.tokens.forEach(({ logProbability }, n) => {
      expect(logProbability).toBeCloseTo(reference[n]?.chosen as number, 3);
    });
    expect(
      (await watched({ ...value, settings: { ...value.settings, limit: 12 } })).report.samples[0]?.tokens.map(
        ({ id }) => id,
      ),
    ).toEqual(idsOf(report)[0]?.slice(0, 12));
  });

  it('ends at the model’s last position, at an end token and before a stop string', async () => {
    const { report } = await watched(request({ limit: 40 }));
    const [sample] = report.samples;
    const text = sample?.text as string;
    const stop = text.slice(10, 14);
    const stopped = (await watched(request({ limit: 40 }, { stop: ['no such text', stop] }))).report
      .samples[0];
    expect(stopped?.ending).toBe('stop');
    expect(stopped?.text).toBe(text.slice(0, text.indexOf(stop)));

    const positions = report.prompt.length + 5;
    const endId = sample?.tokens[3]?.id as number;
    const short = await open({
      config: { max_position_embeddings: positions, eos_token_id: 399, vocab_size: 400 },
    });
    const { samples } = (await watched(request({ limit: 40 }), short)).report;
    expect(samples[0]).toMatchObject({ ending: 'positions' });
    expect(samples[0]?.tokens).toEqual(
      sample?.tokens
        .slice(0, 5)
        .map((token) => ({ ...token, logProbability: expect.closeTo(token.logProbability, 4) })),
    );
    await short.close();
    const ending = await open({ config: { eos_token_id: [399, endId], vocab_size: 400 } });
    const ended = (await watched(request({ limit: 40 }), ending)).report.samples[0];
    const at = sample?.tokens.findIndex(({ id }) => id === endId) as number;
    expect(ended?.ending).toBe('end');
    expect(ended?.tokens).toHaveLength(at);
    await ending.close();
  });

  it('runs every subject, each with its own weights', async () => {
    const run = tinyRun({ optimiser: { steps: 3 }, data: { heldOut: 0 } });
    await workbench.distil({ ...run, observation: { every: 0, samples: 2 } });
    const files = [...(await tinyPair({ seed: 9, config: { hidden_size: 16, ...NO_END, vocab_size: 400 } }))];
    await workbench.openCheckpoint(
      files
        .filter(([path]) => path.startsWith('base/'))
        .map(([path, bytes]) => ({ name: path.slice('base/'.length), data: new Blob([bytes]) })),
    );
    const found = [];
    for (const kind of ['teacher', 'base', 'student', 'opened'] as const) {
      const value = request({ limit: 8 }, { subject: { kind } });
      const { report } = await watched(value);
      expect(report.label).toBe(kind);
      const ids = idsOf(report)[0] as number[];
      const reference = await logProbabilities(value, ids);
      report.samples[0]?.tokens.forEach(({ logProbability }, n) => {
        expect(logProbability).toBeCloseTo(reference[n]?.chosen as number, 4);
      });
      found.push(report.samples[0]?.tokens[0]?.logProbability);
    }
    expect(new Set(found).size).toBe(4);
  });

  it('puts the prompt into one of the model’s chat templates if one is named', async () => {
    const chat = await open();
    const files = [...(await tinyPair({ config: { ...NO_END, vocab_size: 400 } }))].filter(([path]) =>
      path.startsWith('base/'),
    );
    const read = (name: string): unknown =>
      JSON.parse(new TextDecoder().decode(new Map(files).get(`base/${name}`)));
    const template = "{{ messages[0]['content'] }} The answer is:";
    await chat.openCheckpoint([
      ...files
        .filter(([path]) => !path.endsWith('tokenizer_config.json'))
        .map(([path, bytes]) => ({ name: path.slice('base/'.length), data: new Blob([bytes]) })),
      {
        name: 'tokenizer_config.json',
        data: new Blob([
          JSON.stringify({ ...(read('tokenizer_config.json') as object), chat_template: template }),
        ]),
      },
    ]);
    const value = request({ limit: 3 }, { subject: { kind: 'opened' } });
    const plain = await chat.generate({ ...value, prompt: `${PROMPT} The answer is:` });
    const put = await chat.generate({ ...value, template: 'default' });
    expect(put.prompt).toEqual(plain.prompt);
    expect(idsOf(put)).toEqual(idsOf(plain));
    await expect(chat.generate({ ...value, template: 'tools' })).rejects.toThrow(InputError);
    await expect(chat.generate(request({}, { template: 'default' }))).rejects.toThrow('no chat template');
    await chat.close();
  });

  it('is cancelled between two tokens, and leaves nothing behind', async () => {
    const { runtime } = inside(workbench).opened;
    const value = request({ ...DRAWN, limit: 100 });
    await workbench.generate(value);
    const before = runtime.liveTensors;
    const controller = new AbortController();
    let tokens = 0;
    const cancelled = workbench.generate(value, {
      signal: controller.signal,
      report: (event) => {
        if (isEvent(event) && event.kind === 'token' && ++tokens === 5) controller.abort();
      },
    });
    await expect(cancelled).rejects.toThrow(CancelledError);
    expect(tokens).toBe(5);
    await workbench.generate(value);
    expect(runtime.liveTensors).toBe(before);
  });
});

describe('a generation is refused', () => {
  it.each([
    [{ temperature: -1 }, 'settings.temperature'],
    [{ temperature: 1e-9 }, 'temperature'],
    [{ topP: 0 }, 'settings.topP'],
    [{ topK: 1.5 }, 'settings.topK'],
    [{ samples: 9 }, 'settings.samples'],
    [{ limit: 0 }, 'settings.limit'],
  ])('for %o', async (settings, message) => {
    const refused = workbench.generate(request(settings));
    await expect(refused).rejects.toThrow(InputError);
    await expect(refused).rejects.toThrow(message);
  });

  it('for a prompt that fills the positions, with both numbers', async () => {
    const prompt = new Array(400).fill('Tom has 12 apples.').join(' ');
    await expect(workbench.generate(request({}, { prompt }))).rejects.toThrow(
      /the prompt has \d{4} tokens; tiny-teacher has 1024 positions/,
    );
    await expect(workbench.generate(request({}, { prompt: '' }))).rejects.toThrow('no tokens');
    await expect(workbench.generate(request({}, { stop: [''] }))).rejects.toThrow('stop.0');
    await expect(
      workbench.generate(request({}, { subject: { kind: 'student', checkpoint: 77 } })),
    ).rejects.toThrow('checkpoint 77');
  });

  it('if it does not fit, before anything is run', () => {
    const config = { layers: 24, heads: 14, kvHeads: 2, headDim: 64, hiddenSize: 896, maxPositions: 131_072 };
    const resolved = { model: { config, report: { name: 'qwen' } } } as never;
    // Keys and values of three states, their masks, and the last hidden states.
    const sampleBytes = (columns: number) => 3 * 4 * (24 * 2 * 2 * 64 * columns + columns + 896);
    expect(lengthsOf(resolved, 30, { limit: 100 })).toEqual({
      question: 32,
      capacity: 256,
      maxCapacity: 256,
      limit: 100,
      sampleBytes: sampleBytes(256),
    });
    expect(lengthsOf(resolved, 600, { limit: 4000 })).toEqual({
      question: 768,
      capacity: 1024,
      maxCapacity: 8192,
      limit: 4000,
      sampleBytes: sampleBytes(8192),
    });
    const lengths = (prompt: number, limit: number) => () => lengthsOf(resolved, prompt, { limit });
    expect(lengths(6000, 100)).toThrow(MemoryError);
    expect(lengths(6000, 100)).toThrow('the prompt has 6000 tokens');
    // Even a single one; the length that is named is the longest that is not refused.
    expect(lengths(600, 40_000)).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(
          /^a text of up to 40768 tokens would take \d+ bytes for keys and values/,
        ),
        hint: 'A length limit of 15617 tokens would fit with this prompt.',
      }),
    );
    expect(lengths(600, 15_617)).not.toThrow();
    expect(lengths(600, 15_618)).toThrow(MemoryError);
  });

  it('for hidden states that are not finite', async () => {
    const broken = await open({ norms: 2e38 });
    await expect(broken.generate(request())).rejects.toThrow(NumericError);
    await broken.close();
  });
});

describe('samples whose states are too many for a decoder', () => {
  const pair = { config: { ...NO_END, max_position_embeddings: 1024, vocab_size: 400 } };
  // Of tiny-teacher: 2 layers, 2 heads of keys of 8, 32 wide.
  const statesOf = (columns: number) => 3 * 4 * (2 * 2 * 2 * 8 * columns + columns + 32);

  it.each([
    [1, 2, 260],
    [2, 5, 20],
    [3, 4, 260],
  ])('are drawn %i at a time, and are the same: %i samples of %i tokens', async (most, samples, limit) => {
    // More than 240 tokens are more than the first cache has room for.
    const own = await open(pair, most * statesOf(limit > 240 ? 512 : 256));
    const value = request({ ...DRAWN, samples, limit, seed: 4 });
    const { report, events } = await watched(value, own);
    // Nobody listens to these: they have the same text.
    const all = await workbench.generate(value);
    expect(report.samples).toEqual(all.samples.map((one) => ({ ...one, tokens: one.tokens.map(near) })));
    expect(new Set(report.samples.map(({ text }) => text)).size).toBe(samples);
    // Whoever is drawn later begins when the ones before have ended.
    const rounds = roundsOf(samples, most);
    expect(rounds.length).toBeGreaterThan(1);
    const at = (kind: string, sample: number) =>
      events.findIndex((e) => e.kind === kind && 'sample' in e && e.sample === sample);
    for (const [i, round] of rounds.entries()) {
      for (const sample of round) {
        expect(events.filter((e) => e.kind === 'ended' && e.sample === sample)).toHaveLength(1);
        for (const earlier of rounds[i - 1] ?? [])
          expect(at('token', sample)).toBeGreaterThan(at('ended', earlier));
      }
    }
    await own.close();
  });

  it('are taken in rounds of as equal sizes as can be', () => {
    expect(roundsOf(5, 8)).toEqual([[0, 1, 2, 3, 4]]);
    expect(roundsOf(5, 4)).toEqual([
      [0, 1, 2],
      [3, 4],
    ]);
    expect(roundsOf(3, 1)).toEqual([[0], [1], [2]]);
  });
});

describe('a short prompt of a larger model', () => {
  // 19 MB in float32, and 17 are the least to which prompts are fed.
  const LARGER = {
    ...NO_END,
    hidden_size: 256,
    intermediate_size: 768,
    num_hidden_layers: 6,
    max_position_embeddings: 256,
    // With its own embedding as head it would repeat its last token.
    tie_word_embeddings: false,
  };
  const long = Array.from({ length: 4 }, () => PROMPT).join(' ');
  let larger: LoriWorkbench;
  beforeAll(async () => {
    larger = await open({ config: LARGER });
  });
  afterAll(() => larger.close());

  const weightsOf = () => {
    const desk = inside(larger);
    const { model } = resolveSubject({ kind: 'teacher' }, desk.loadedModels());
    const used = desk.opened.models.use(model);
    void used.release();
    return used.traffic;
  };

  it('is fed token by token, without a program that reads it, with the same probabilities', async () => {
    const before = weightsOf().bakes;
    const { report } = await watched(request(), larger);
    // One program feeds tokens, one reads the head.
    expect(weightsOf().bakes - before).toBe(2);
    expect(report.prompt.length).toBeLessThanOrEqual(32);
    expect(new Set(idsOf(report)[0]).size).toBeGreaterThan(3);
    const reference = await logProbabilities(request(), idsOf(report)[0] as number[], larger);
    report.samples[0]?.tokens.forEach(({ id, logProbability }, n) => {
      expect(id).toBe(reference[n]?.largest);
      // Only the order of float32 sums differs.
      expect(logProbability).toBeCloseTo(reference[n]?.chosen as number, 4);
    });
  });

  it('is fed to all samples at once, each drawn with its own numbers', async () => {
    const one = await watched(request({ samples: 1, seed: 5, ...DRAWN }), larger);
    const three = await watched(request({ samples: 3, seed: 5, ...DRAWN }), larger);
    const [first, second, third] = idsOf(three.report);
    expect(first).toEqual(idsOf(one.report)[0]);
    expect(second).not.toEqual(first);
    expect(third).not.toEqual(second);
  });

  it('is cancelled between two of its tokens, and leaves nothing behind', async () => {
    const { runtime } = inside(larger).opened;
    const { report } = await watched(request(), larger);
    const before = runtime.liveTensors;
    const { signal } = new AbortController();
    let asked = 0;
    Object.defineProperty(signal, 'aborted', { get: () => ++asked > 5 });
    await expect(larger.generate(request(), { signal })).rejects.toThrow(CancelledError);
    expect(asked).toBeLessThan(report.prompt.length);
    expect(runtime.liveTensors).toBe(before);
    const again = await watched(request(), larger);
    expect(idsOf(again.report)).toEqual(idsOf(report));
  });

  it('is read at once where it is longer', async () => {
    const before = weightsOf().bakes;
    const value = request({}, { prompt: long });
    const { report } = await watched(value, larger);
    expect(report.prompt.length).toBeGreaterThan(32);
    expect(weightsOf().bakes - before).toBeGreaterThan(0);
    const reference = await logProbabilities(value, idsOf(report)[0] as number[], larger);
    expect(idsOf(report)[0]).toEqual(reference.map(({ largest }) => largest));
  });
});
