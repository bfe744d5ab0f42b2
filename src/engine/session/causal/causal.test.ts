import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readFile } from '../../../../scripts/tools/files';
import type { Progress } from '../../../contract/events';
import type { CausalDirections, CausalEvent, CausalReport, CausalRequest } from '../../../contract/lens';
import { CancelledError, type MemoryError } from '../../base/errors';
import { Rng } from '../../base/rng';
import { Decoder } from '../../decode/decoder';
import { thinking } from '../../decode/reasoning.testing';
import { initialPack } from '../../nn/lora';
import { adapted as asStudent } from '../../nn/parameters.testing';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { serveFiles, tinyPair } from '../../testing/tiny-pair.testing';
import { StatesCache } from '../lens/states-cache';
import { DeviceModels } from '../models/device-models';
import { loadPair } from '../models/pair';
import { ProblemSet } from '../models/problems';
import { type LoadedModels, resolveSubject } from '../models/subjects';
import { ANY } from '../runs/student.testing';
import { gatherStates, sequencesOf } from '../states/states';
import { causalTest } from './causal';
import { leadingDirections, projectionOf } from './directions';

let runtime: Runtime;
let models: DeviceModels;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
  models = new DeviceModels(runtime);
});
afterAll(() => runtime.dispose());

/** What is left on the runtime once nothing is cached for the next request. */
async function left(): Promise<number[]> {
  await models.dispose();
  return [runtime.liveTensors, runtime.programCount];
}

async function holding(fetch: (url: string) => Promise<Response>): Promise<LoadedModels> {
  const { pair } = await loadPair('models', { fetch: (url) => fetch(String(url)) });
  const lora = { rank: 2, alpha: 4, targets: ['q', 'down'] } as const;
  const packs = Array.from({ length: pair.base.config.layers }, (_, i) =>
    initialPack(pair.base.config, lora, new Rng(3).fork(`lora.${i}`)),
  );
  return {
    pair,
    problems: new ProblemSet(pair.manifest.data, pair.codec),
    student: { ...ANY, label: 's', reasoning: thinking(3), parameters: asStudent(lora), packs },
    checkpoints: new Map(),
  };
}

const REQUEST: CausalRequest = {
  subject: { kind: 'teacher' },
  problems: 3,
  layers: [1],
  ranks: [0, 2],
  positions: 'generated',
  centre: false,
  samples: 4,
  seed: 1,
  random: false,
};

describe('the causal test on a tiny pair', () => {
  let loaded: LoadedModels;
  beforeAll(async () => {
    loaded = await holding(serveFiles(await tinyPair()));
  });
  const ask = (
    changes: Partial<CausalRequest>,
    options: Parameters<typeof causalTest>[2] = {},
    of: LoadedModels = loaded,
  ) =>
    causalTest(
      { models, device: undefined, loaded: of, cache: new StatesCache() },
      { ...REQUEST, ...changes },
      options,
    );

  it.each([
    [{ problems: 0 }, 'problems: 0; a whole number from 1 to 1000'],
    [{ samples: 1.5 }, 'samples: 1.5'],
    [{ seed: -1 }, 'seed: -1'],
    [{ layers: [] }, 'no layers are chosen'],
    [{ layers: [0] }, 'layer: 0; a whole number from 1 to 2'],
    [{ layers: [1, 3] }, 'layer: 3; a whole number from 1 to 2'],
    [{ layers: [2, 1] }, 'layers 2, 1; each is expected once, in ascending order'],
    [{ ranks: [] }, 'no ranks are chosen'],
    [{ ranks: [33] }, 'rank: 33; a whole number from 0 to 32'],
    [{ ranks: [4, 4] }, 'ranks 4, 4; each is expected once'],
    [{ positions: 'some' as 'all' }, 'positions: some; generated or all'],
    [{ of: 'answers' as 'projected' }, 'directions of answers; thoughts or projected'],
    [{ subject: { kind: 'student', checkpoint: 1 } }, 'checkpoint 1 is not kept'],
    [{ subject: { kind: 'opened' } }, 'no checkpoint is open'],
    [{ subject: { kind: 'pupil' as 'base' } }, 'there is no subject "pupil"'],
    [
      { subject: { kind: 'student' }, of: 'thoughts', samples: 2, ranks: [7, 32] },
      'rank 7: the 2 samples have 6 latent tokens, which span 6 directions',
    ],
    [
      { subject: { kind: 'student' }, of: 'thoughts', samples: 2, ranks: [6], centre: true },
      'rank 6: the 2 samples have 6 latent tokens, which span 5 directions around their mean',
    ],
  ] as const)('refuses %o before it runs anything', async (changes, message) => {
    const events: unknown[] = [];
    const before = runtime.programCount;
    const failed = ask(changes as Partial<CausalRequest>, { report: (e) => events.push(e) });
    await expect(failed).rejects.toMatchObject({ code: 'input' });
    await expect(failed).rejects.toThrow(message);
    expect([events.length, runtime.programCount]).toEqual([0, before]);
  });

  it('refuses states that do not fit, and names the number of samples that would', async () => {
    const { pair } = loaded as { pair: NonNullable<LoadedModels['pair']> };
    const sized = (layers: number, hiddenSize: number): LoadedModels => {
      const config = { ...pair.teacher.config, layers, hiddenSize };
      return { ...loaded, pair: { ...pair, teacher: { ...pair.teacher, config } } };
    };
    const before = runtime.programCount;
    const refused = async (changes: Partial<CausalRequest>, of: LoadedModels): Promise<string> => {
      const error = (await ask(changes, {}, of).catch((e) => e)) as MemoryError;
      expect(error).toMatchObject({ code: 'memory', message: expect.stringContaining('samples and the') });
      return error.hint ?? '';
    };
    const all = Array.from({ length: 1500 }, (_, l) => l + 1);
    const hint = await refused({ samples: 40, layers: all }, sized(1500, 2048));
    const fitting = Number(/^Choose (\d+) samples/.exec(hint)?.[1]);
    expect([fitting > 0, fitting < 40]).toEqual([true, true]);
    // No smaller number makes room for the directions of many layers.
    const layers = Array.from({ length: 60 }, (_, l) => l + 1);
    const many = { samples: 400, layers, ranks: [2000], random: true };
    expect(await refused(many, sized(60, 2048))).toBe('Choose fewer layers, or smaller ranks.');
    expect(runtime.programCount).toBe(before);
  });

  it('names the sample whose states are not finite, even at r = 0', async () => {
    const broken = await holding(serveFiles(await tinyPair({ norms: 2e38 })));
    await expect(ask({ ranks: [0], centre: true }, {}, broken)).rejects.toThrow(
      /train-\d+ holds (NaN|-?Infinity) at token 1, layer \d/,
    );
  });

  it('refuses a student without latent steps', async () => {
    const direct = {
      ...loaded,
      student: { ...(loaded.student as NonNullable<LoadedModels['student']>), reasoning: thinking(0) },
    };
    await expect(ask({ subject: { kind: 'student' } }, {}, direct)).rejects.toThrow('has no latent steps');
  });

  it.each([{ kind: 'teacher' }, { kind: 'base' }, { kind: 'student' }] as const)(
    'reports %o’s points as they are measured, and frees everything',
    async (subject) => {
      const before = await left();
      const events: (Progress | CausalEvent)[] = [];
      const report = await ask(
        { subject, random: true, layers: [1, 2], positions: 'all', centre: true, ranks: [0, 3, 32] },
        { report: (event) => events.push(event) },
      );
      const points = events.flatMap((e) => ('kind' in e ? [e.point] : []));
      expect(report.points).toEqual(points);
      expect(points.map((p) => [p.rank, p.directions])).toEqual(
        [0, 3, 32].flatMap((r) => [
          [r, 'leading'],
          [r, 'random'],
          [r, 'equal-energy'],
        ]),
      );
      for (const { accuracy, outcomes } of points) {
        expect(accuracy.total).toBe(3);
        expect(outcomes).toHaveLength(3);
        expect(outcomes.reduce((sum, right) => sum + right, 0)).toBe(accuracy.correct);
      }
      for (const rank of [0, 3, 32]) {
        const [leading, random, equal] = points.filter((point) => point.rank === rank).map((p) => p.kept);
        expect(leading!.map(({ layer, directions }) => [layer, directions])).toEqual([
          [1, rank],
          [2, rank],
        ]);
        leading!.forEach(({ energy }, i) => {
          // Summed in float64 in another order.
          expect(equal![i]!.energy).toBeCloseTo(energy, 12);
          if (rank !== 3) expect(energy).toBe(rank / 32);
          else {
            expect(energy).toBeGreaterThan(random![i]!.energy);
            expect(equal![i]!.directions).toBeGreaterThan(3);
          }
        });
      }
      const phases = events.flatMap((e) => ('phase' in e ? [e] : []));
      expect([...new Set(phases.map((e) => `${e.phase} ${e.unit}`))]).toEqual([
        'states samples',
        'causal problems',
      ]);
      const causal = phases.filter((e) => e.phase === 'causal').map((e) => e.done);
      expect(causal).toEqual([...causal].sort((a, b) => a - b));
      expect([causal[0], causal[causal.length - 1], phases[phases.length - 1]?.total]).toEqual([0, 30, 30]);
      expect(report).toMatchObject({
        label: subject.kind,
        hidden: 32,
        request: { subject },
        kernel: 'svd (CPU)',
        dtype: 'f64',
      });
      expect(await left()).toEqual(before);
    },
  );

  it('uses each layer’s own directions, and different random ones per layer', async () => {
    const put: [number, readonly number[]][] = [];
    const real = Decoder.prototype.intervention;
    const spy = vi.spyOn(Decoder.prototype, 'intervention').mockImplementation(function (
      this: Decoder,
      at,
      matrix,
      shift,
    ) {
      const made = real.call(this, at, matrix, shift);
      const note = (values: ArrayLike<number>): void => {
        put.push([at.site === 'residual' ? at.layer : 0, Array.from(values)]);
      };
      note(matrix);
      vi.spyOn(made.matrix, 'write').mockImplementation(note);
      return made;
    });
    const request = { layers: [1, 2], ranks: [3], random: true, of: 'thoughts' } as const;
    await ask(request).finally(() => spy.mockRestore());
    const sequences = sequencesOf({ kind: 'problems', seed: 1, samples: 4 }, loaded);
    const subject = resolveSubject({ kind: 'teacher' }, loaded);
    const gathered = await gatherStates(models, subject, sequences, ['rationale']);
    const own = async (layer: number): Promise<number[]> =>
      Array.from((await projectionOf(await leadingDirections(gathered, layer, 3, false), 3)).matrix);
    // First the identities of a fresh decoder.
    const [, , one, two, ...others] = put;
    const random = others.slice(0, 2);
    expect([one, two]).toEqual([
      [1, await own(1)],
      [2, await own(2)],
    ]);
    expect(random.map(([layer]) => layer)).toEqual([1, 2]);
    expect(random[0]?.[1]).not.toEqual(random[1]?.[1]);
    expect(others).toHaveLength(4);
    for (const [, matrix] of put.slice(2, 6)) {
      const trace = matrix.reduce((sum, x, i) => (i % 33 === 0 ? sum + x : sum), 0);
      expect(trace).toBeCloseTo(3, 5);
    }
  });

  it('takes directions from all projected states, or only from the thoughts', async () => {
    const spy = vi.spyOn(runtime, 'compile');
    /** Columns of the pass: [B, columns, L, H]. */
    const columns = async (changes: Partial<CausalRequest>): Promise<number> => {
      spy.mockClear();
      await ask({ problems: 1, ranks: [1], ...changes });
      const pass = spy.mock.calls.map(([program]) => program).find(({ name }) => name === 'states');
      return pass?.outputs.states?.shape[1] as number;
    };
    const thoughts = await columns({ of: 'thoughts' });
    expect(thoughts).toBeGreaterThan(0);
    // The prompt and the answer as well.
    expect(await columns({})).toBeGreaterThan(thoughts + 3);
    expect(await columns({ of: 'projected' })).toBe(await columns({}));
    spy.mockRestore();
  });

  it('gathers the projected layers alone, and finds in each what it finds among others, to the bit', async () => {
    const spy = vi.spyOn(runtime, 'compile');
    const found: CausalReport['points'][number]['kept'][] = [];
    for (const layers of [[1], [2], [1, 2]]) {
      spy.mockClear();
      const { points } = await ask({ problems: 1, ranks: [1], layers });
      found.push(points[0]?.kept ?? []);
      const pass = spy.mock.calls.map(([program]) => program).find(({ name }) => name === 'states');
      // [B, columns, P, H]
      expect(pass?.outputs.states?.shape[2]).toBe(layers.length);
    }
    spy.mockRestore();
    const [one, two, both] = found;
    expect([...(one ?? []), ...(two ?? [])]).toEqual(both);
    expect(both?.map(({ layer }) => layer)).toEqual([1, 2]);
  });

  it('frees the decoder if the adapter cannot be uploaded', async () => {
    const before = await left();
    const real = runtime.upload.bind(runtime);
    let packs = 0;
    // Two uploads by the pass over states, then the decoder's second one.
    const spy = vi.spyOn(runtime, 'upload').mockImplementation((host, label) => {
      if (label?.startsWith('student.') && ++packs === 4) throw new Error('no room');
      return real(host, label);
    });
    await expect(ask({ subject: { kind: 'student' } }).finally(() => spy.mockRestore())).rejects.toThrow(
      'no room',
    );
    expect(await left()).toEqual(before);
  });

  it('drops states cached for other requests if there is no room for both', async () => {
    const cache = new StatesCache();
    const size = 2 ** 28 - 2 ** 12;
    const states = { byteLength: 4 * size } as Float32Array<ArrayBuffer>;
    const sample = { id: '', about: '', tokens: 1, states, sections: new Uint8Array(1), texts: [''] };
    cache.put('other', 'teacher', { layers: 1, hidden: 1, samples: [sample] });
    await causalTest({ models, device: undefined, loaded, cache }, { ...REQUEST, problems: 1 });
    expect(cache.bytes).toBe(0);
  });

  it.each([1, 2, 3, 4, 5, 7, 9])('frees everything when cancelled at event %i', async (at) => {
    const before = await left();
    const abort = new AbortController();
    let heard = 0;
    const report = (): void => {
      if (++heard === at) abort.abort();
    };
    const request = { ranks: [0, 5], random: true, layers: [1, 2], samples: 10, centre: true } as const;
    await expect(ask(request, { signal: abort.signal, report })).rejects.toThrow(CancelledError);
    expect(heard).toBe(at);
    expect(await left()).toEqual(before);
  });

  it('can be cancelled between two ranks, and frees everything', async () => {
    const before = await left();
    const abort = new AbortController();
    let points = 0;
    const cancelled = ask(
      { ranks: [1, 2, 3] },
      {
        signal: abort.signal,
        report: (event) => {
          if (!('kind' in event)) return;
          points++;
          abort.abort();
        },
      },
    );
    await expect(cancelled).rejects.toThrow(CancelledError);
    expect(points).toBe(1);
    expect(await left()).toEqual(before);
  });
});

describe('the causal test on the bundled teacher', () => {
  it('answers unchanged at r = H and never correctly at r = 0; leading directions suffice where as many random ones do not', async () => {
    const loaded = await holding(
      async (url) => new Response(await readFile('models', url.replace(/^models\//, ''))),
    );
    const ask = (changes: Partial<CausalRequest>) =>
      causalTest(
        { models, device: undefined, loaded, cache: new StatesCache() },
        { ...REQUEST, layers: [3], problems: 16, samples: 32, ...changes },
      );
    const { whole, points } = await ask({ ranks: [0, 64, 128], random: true });
    const share = (rank: number, directions: CausalDirections): number | undefined =>
      points.find((p) => p.rank === rank && p.directions === directions)?.accuracy.share;
    expect(whole.share).toBeGreaterThan(0.9);
    for (const directions of ['leading', 'random', 'equal-energy'] as const) {
      expect(share(128, directions)).toBe(whole.share);
      expect(share(0, directions)).toBeLessThan(0.2);
    }
    expect(share(64, 'leading')).toBeGreaterThan((share(64, 'random') ?? 1) + 0.3);
  }, 60_000);
});
