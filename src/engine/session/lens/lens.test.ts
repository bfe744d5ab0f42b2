import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Progress, RunEvent } from '../../../contract/events';
import {
  CONTROLS,
  ENERGY_SHARES,
  FIGURE_6,
  type LensReport,
  type LensRequest,
  SECTIONS,
  type Selection,
  STACKS,
} from '../../../contract/lens';
import { ENERGY_SHARES as COUNTED } from '../../analysis/spectra';
import { CancelledError, InputError, NumericError } from '../../base/errors';
import { svdCpu } from '../../kernels/svd/svd.cpu';
import type { Runtime } from '../../runtime/runtime';
import { filesOf, type TinyPairOptions, tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { insideOf } from '../inside.testing';
import type { DeviceModels } from '../models/device-models';
import { type LoadedModels, resolveSubject } from '../models/subjects';
import { tinyRun } from '../runs/tiny-run.testing';
import { gatherStates, sequencesOf } from '../states/states';
import { LoriWorkbench } from '../workbench';
import type { StatesCache } from './states-cache';

/** The internals that the tests use. */
interface Inside {
  readonly opened: { readonly runtime: Runtime; readonly models: DeviceModels };
  loadedModels(): LoadedModels;
}
const inside = (workbench: LoriWorkbench) => insideOf<Inside>(workbench);

async function opened(options?: TinyPairOptions): Promise<LoriWorkbench> {
  const workbench = new LoriWorkbench(tinyEnvironment(await tinyPair(options)));
  await workbench.open('wasm');
  await workbench.loadPair('models');
  return workbench;
}

let workbench: LoriWorkbench;
beforeAll(async () => {
  workbench = await opened();
  const run = tinyRun({ optimiser: { steps: 4 }, data: { heldOut: 0 } });
  await workbench.distil({ ...run, observation: { every: 2, samples: 2 } });
  const other = await tinyPair({ seed: 9, config: { hidden_size: 16 } });
  await workbench.openCheckpoint(filesOf(other, 'base'));
});
afterAll(() => workbench.close());

const TEACHER: Selection = { subject: { kind: 'teacher' }, sections: ['rationale'] };
const STUDENT: Selection = { subject: { kind: 'student' }, sections: ['latent'] };
const OPENED: Selection = { subject: { kind: 'opened' }, sections: ['rationale'] };
const request = (changes: Partial<LensRequest> = {}): LensRequest => ({
  ...FIGURE_6,
  source: { kind: 'problems', seed: 1, samples: 3 },
  ...changes,
});
const EVERYTHING = request({
  selections: [TEACHER, STUDENT],
  controls: CONTROLS,
  tucker: true,
  trajectories: 'tucker',
  angles: 4,
});

describe('a span of tokens', () => {
  const span = { first: 2, last: 3 };
  const by = (stack: LensRequest['stack'], of: LensRequest['span'], more: Partial<LensRequest> = {}) =>
    workbench.lens(request({ selections: [TEACHER], stack, span: of, ...more }));

  it('has the states of the whole sequences at these tokens, and its report says which', async () => {
    const [whole, part] = [await by('token', null), await by('token', span)];
    const spectra = (report: LensReport) => report.selections[0]?.spectra ?? [];
    expect(spectra(part).map(({ label }) => label)).toEqual(['token 2', 'token 3']);
    // What comes after the span is not read: attention over fewer columns is summed in another order, in float32.
    const close = (found: LensReport, expected: ReturnType<typeof spectra>): void => {
      expect(spectra(found).map(({ tokens, rows }) => [tokens, rows])).toEqual(
        expected.map(({ tokens, rows }) => [tokens, rows]),
      );
      expected.forEach(({ sigma }, i) => {
        const own = spectra(found)[i]?.sigma as Float32Array;
        expect(own).toHaveLength(sigma.length);
        for (const [r, value] of sigma.entries())
          expect(Math.abs((own[r] as number) - value)).toBeLessThan(1e-5 * (sigma[0] as number));
      });
    };
    close(part, spectra(whole).slice(1, 3));
    expect(part.request.span).toEqual(span);
    const rest = await by('token', { first: 3, last: null });
    close(rest, spectra(whole).slice(2));
  });

  it('is all that a sample’s matrix, its trajectory and its controls have', async () => {
    const desk = inside(workbench);
    const loaded = desk.loadedModels();
    const part = await by('sample', span, { trajectories: 'pca', controls: ['random-tokens', 'shuffled'] });
    const sequences = sequencesOf(part.request.source, loaded);
    const teacher = resolveSubject(TEACHER.subject, loaded);
    const { samples, layers, hidden } = await gatherStates(desk.opened.models, teacher, sequences, [
      'rationale',
    ]);
    const [selection] = part.selections;
    for (const [i, { states, texts }] of samples.entries()) {
      const rows = states.slice(layers * hidden, 3 * layers * hidden);
      const { sigma } = svdCpu(rows, { batch: 1, rows: 2 * layers, cols: hidden, r: 0 });
      const own = selection?.spectra[i];
      expect([own?.tokens, own?.rows]).toEqual([2, 2 * layers]);
      for (const [r, value] of sigma.entries()) expect(own?.sigma[r]).toBeCloseTo(value, 4);
      expect(selection?.trajectory?.texts[i]).toEqual(texts.slice(1, 3));
    }
    for (const { spectra } of part.controls) expect(spectra.map(({ tokens }) => tokens)).toEqual([2, 2, 2]);
  });

  it('is kept beside the whole and other spans, not in their place', async () => {
    const own = await opened();
    const asked = (of: LensRequest['span']) => request({ selections: [TEACHER], stack: 'token', span: of });
    const read = async (of: LensRequest['span']) => (await own.lensCost(asked(of))).reading.samples;
    await own.lens(asked(null));
    expect([await read(null), await read(span), await read({ ...span, last: null })]).toEqual([0, 3, 3]);
    await own.lens(asked(span));
    expect([await read(null), await read(span), await read({ ...span, last: null })]).toEqual([0, 0, 3]);
    await own.close();
  });

  it('is refused where a sequence does not have it, or it is none', async () => {
    for (const [of, message] of [
      [{ first: 900, last: null }, /has \d+ tokens in rationale; those from 900 to the end are requested/],
      [{ first: 3, last: 2 }, /last token/],
      [{ first: 0, last: 2 }, /first token/],
    ] as const) {
      await expect(by('sample', of)).rejects.toThrow(InputError);
      await expect(by('sample', of)).rejects.toThrow(message);
    }
  });
});

/** Every number in a report, with its path. */
function numbers(value: unknown, path = 'report'): [string, number][] {
  if (typeof value === 'number') return [[path, value]];
  if (ArrayBuffer.isView(value))
    return [...(value as Float32Array)].map((x, i): [string, number] => [`${path}[${i}]`, x]);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => numbers(inner, `${path}.${key}`));
}
const notFinite = (report: LensReport) =>
  numbers(report)
    .filter(([, x]) => !Number.isFinite(x))
    .map(([path]) => path);

/** How many programs a request compiles: none if its states are cached. */
async function compiled(asked: LensRequest, on = workbench): Promise<number> {
  const spy = vi.spyOn(inside(on).opened.runtime, 'compile');
  try {
    await on.lens(asked);
    return spy.mock.calls.length;
  } finally {
    spy.mockRestore();
  }
}

describe('the lens', () => {
  it('computes figure 6 from the teacher’s states', async () => {
    const report = await workbench.lens(request());
    const loaded = inside(workbench).loadedModels();
    const { source } = request();
    const { samples, hidden, layers } = await gatherStates(
      inside(workbench).opened.models,
      resolveSubject({ kind: 'teacher' }, loaded),
      sequencesOf(source, loaded),
      ['rationale'],
    );
    expect(report.sampleIds).toEqual(samples.map((s) => s.id));
    const [only] = report.selections;
    expect(only).toMatchObject({ label: 'teacher', model: 'tiny-teacher', layers: 2, hidden: 32 });
    samples.forEach(({ id, about, tokens, states }, s) => {
      const rows = tokens * layers;
      const { sigma } = svdCpu(states, { batch: 1, rows, cols: hidden, r: 0 });
      const got = only?.spectra[s];
      expect(got).toMatchObject({ label: id, about, tokens, rows });
      expect(got?.sigma.length).toBe(sigma.length);
      sigma.forEach((x, i) => {
        expect(Math.abs((got?.sigma[i] as number) - x)).toBeLessThan(1e-5 * (sigma[0] as number));
      });
      expect(got?.cumulative.at(-1)).toBeCloseTo(1, 6);
    });
    // The shares that the analysis uses are the ones that the page shows.
    expect(COUNTED).toEqual(ENERGY_SHARES);
    expect(report).toMatchObject({ controls: [], axes: null, angles: null, request: request() });
    expect(only).toMatchObject({ tucker: null, trajectory: null });
  });

  it('reports all sections at once, with teacher and student overlaid', async () => {
    const events: Progress[] = [];
    const report = await workbench.lens(EVERYTHING, { report: (e) => events.push(e) });
    expect(notFinite(report)).toEqual([]);
    const [teacher, student] = report.selections;
    if (!teacher?.tucker || !student?.tucker || !teacher.trajectory || !student.trajectory || !report.axes)
      throw new Error('a part is missing');
    expect([teacher.label, student.label]).toEqual(['teacher', 'student']);
    expect(student.spectra.map((s) => [s.tokens, s.rows])).toEqual([
      [2, 4],
      [2, 4],
      [2, 4],
    ]);
    for (const { bands, spectra, layerRanks, collapse } of [teacher, student]) {
      if (!bands) throw new Error('no band');
      const longest = Math.max(...spectra.map((s) => s.sigma.length));
      for (const { median, low, high } of [bands.cumulative, bands.decay]) {
        expect(median.length).toBe(longest);
        median.forEach((m, i) => {
          expect(low[i]).toBeLessThanOrEqual(m);
          expect(high[i]).toBeGreaterThanOrEqual(m);
        });
      }
      expect(bands.decay.median[0]).toBe(1);
      expect(bands.cumulative.high.at(-1)).toBeCloseTo(1, 6);
      expect(layerRanks.map((r) => [r.layer, r.rows])).toEqual(
        [1, 2].map((l) => [l, spectra.reduce((n, s) => n + s.tokens, 0)]),
      );
      expect(collapse.layers).toEqual([1, 2]);
      for (const c of collapse.cosine) expect(Math.abs(c)).toBeLessThanOrEqual(1);
    }
    expect(teacher.tucker.columns).toBe(32);
    for (const { tucker } of [teacher, student]) {
      expect(tucker?.energy.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
      expect(tucker?.error.at(-1)).toBeLessThan(1e-5);
    }
    expect(report.controls.map((c) => c.control)).toEqual(CONTROLS);
    for (const { control, spectra } of report.controls) {
      expect(spectra.map((s) => [s.label, s.rows])).toEqual(teacher.spectra.map((s) => [s.label, s.rows]));
      spectra.forEach((s, i) => {
        expect(s.sigma, control).not.toEqual(teacher.spectra[i]?.sigma);
      });
    }
    const points = teacher.spectra.reduce((n, s) => n + s.rows, 0);
    expect(teacher.trajectory.xyz.length).toBe(3 * points);
    expect(student.trajectory.texts).toEqual(new Array(3).fill(['z₁', 'z₂']));
    expect(new Set(student.trajectory.section)).toEqual(new Set([SECTIONS.indexOf('latent')]));
    expect(report.axes.of).toBe(`${points + 12} hidden states of teacher (rationale) and student (latent)`);
    expect(report.axes.shares.reduce((a, b) => a + b, 0)).toBeLessThan(1);
    expect(report.angles?.angles.length).toBe(2 * 4);
    expect(report.angles?.chance.length).toBe(2 * 4);

    expect([...new Set(events.map((e) => `${e.phase} in ${e.unit}`))]).toEqual([
      'states in samples',
      'spectra in matrices',
    ]);
    for (const phase of ['states', 'spectra']) {
      const own = events.filter((e) => e.phase === phase);
      const done = own.map((e) => e.done);
      expect([...done].sort((a, b) => a - b)).toEqual(done);
      expect(done.at(-1)).toBe(own[0]?.total);
      expect(new Set(own.map((e) => e.total)).size).toBe(1);
    }
    expect(report).toMatchObject({ kernel: 'svd (CPU), modes (CPU)', dtype: 'f64' });
    expect(report.milliseconds).toBeGreaterThan(0);
  });

  it.each(STACKS)('stacks by %s, centred, at one layer', async (stack) => {
    const report = await workbench.lens({ ...EVERYTHING, stack, centre: true, layers: [2], angles: 2 });
    expect(notFinite(report)).toEqual([]);
    const [teacher] = report.selections;
    expect(teacher?.bands === null).toBe(stack !== 'sample');
    expect(teacher?.layerRanks.map((r) => r.layer)).toEqual([2]);
    expect(report.controls[0]?.spectra.length).toBe(teacher?.spectra.length);
    expect(report.angles?.layers).toEqual([2]);
    const labels = teacher?.spectra.map((s) => s.label) ?? [];
    const want = { sample: report.sampleIds[0], layer: 'layer 2', token: 'token 1', all: 'all' }[stack];
    expect(labels[0]).toBe(want);
  });

  it('overlays two checkpoints of one student and finds them different', async () => {
    const checkpoints = await workbench.checkpoints();
    const [before, after] = [checkpoints[0], checkpoints.at(-1)];
    const of = (id: number | undefined): Selection => ({
      subject: { kind: 'student', checkpoint: id as number },
      sections: ['latent', 'answer'],
    });
    const selections = [of(before?.id), of(after?.id)];
    const { angles, ...report } = await workbench.lens(request({ selections, angles: 1 }));
    expect(report.selections.map((s) => s.label)).toEqual(['student, step 0', 'student, step 4']);
    for (const a of angles?.angles ?? []) expect(a).toBeGreaterThan(1e-4);
  });

  it('overlays models of two hidden sizes without comparing their subspaces', async () => {
    const both = { selections: [TEACHER, OPENED] };
    const { selections } = await workbench.lens(request(both));
    expect(selections.map((s) => s.hidden)).toEqual([32, 16]);
    for (const changes of [{ angles: 2 }, { trajectories: 'pca' }] as const)
      await expect(workbench.lens(request({ ...both, ...changes }))).rejects.toThrow(
        /(angles|trajectories) of hidden sizes 32 \(teacher\) and 16 \(opened\)/,
      );
  });

  it('reads texts, even one of a single word', async () => {
    const report = await workbench.lens({
      ...EVERYTHING,
      source: { kind: 'texts', texts: ['Tom has 12 apples.', '7'] },
      selections: [{ subject: { kind: 'base' }, sections: ['text'] }],
      controls: ['random-tokens', 'shuffled'],
      angles: 0,
    });
    expect(notFinite(report)).toEqual([]);
    expect(report.sampleIds).toEqual(['text-1', 'text-2']);
    expect(report.selections[0]?.trajectory?.texts[0]?.join('')).toContain('apples');
  });

  it('repeats to the bit for the same request; another seed gives other controls and bands', async () => {
    const bare = ({ milliseconds: _, ...rest }: LensReport) => rest;
    const first = bare(await workbench.lens(EVERYTHING));
    const fresh = await opened();
    const teacherOnly = { ...EVERYTHING, selections: [TEACHER], angles: 0 };
    expect(bare(await fresh.lens(teacherOnly)).controls).toEqual(first.controls);
    await fresh.close();
    expect(bare(await workbench.lens(EVERYTHING))).toEqual(first);
    const other = bare(await workbench.lens({ ...EVERYTHING, seed: 2 }));
    expect(other.selections[0]?.spectra).toEqual(first.selections[0]?.spectra);
    expect(other.controls.map((c) => c.spectra[0]?.sigma[0])).not.toEqual(
      first.controls.map((c) => c.spectra[0]?.sigma[0]),
    );
    expect(other.angles?.chance).not.toEqual(first.angles?.chance);
  });
});

describe('cached states', () => {
  it('are not gathered again for another stack, layer, centring or control', async () => {
    await workbench.lens(EVERYTHING);
    for (const changes of [
      { stack: 'all' },
      { layers: [1] },
      { centre: true },
      { controls: ['gaussian'] },
      { selections: [STUDENT, TEACHER], controls: [] },
      { trajectories: 'pca' },
    ] as const)
      expect(await compiled({ ...EVERYTHING, ...changes })).toBe(0);
    const again = { ...EVERYTHING, source: { kind: 'problems', seed: 2, samples: 3 } } as const;
    expect(await compiled(again)).toBeGreaterThan(0);
    const more = { ...EVERYTHING, selections: [{ ...TEACHER, sections: ['answer'] }], angles: 0 } as const;
    expect(await compiled(more)).toBeGreaterThan(0);
  });

  it('are of the layers up to the highest that was asked for: lower ones are not gathered again, higher ones are', async () => {
    const fresh = await opened();
    const of = (...layers: number[]) =>
      request({ layers, tucker: true, trajectories: 'tucker', controls: CONTROLS });
    const first = await fresh.lens(of(1));
    expect(await compiled(of(1), fresh)).toBe(0);
    expect(first.selections[0]?.layers).toBe(2);
    const read = async (layer: number) => (await fresh.lensCost(of(layer))).reading.samples;
    // Those of the selection, and of two controls.
    expect([await read(1), await read(2)]).toEqual([0, 9]);
    expect(await compiled(of(2), fresh)).toBeGreaterThan(0);
    // Of states at all layers the lowest are what they were.
    expect(await compiled(of(1), fresh)).toBe(0);
    const again = await fresh.lens(of(1));
    expect({ ...again, milliseconds: 0 }).toEqual({ ...first, milliseconds: 0 });
    await fresh.close();
  });

  it('are dropped with their models', async () => {
    const fresh = await opened();
    expect(await compiled(request(), fresh)).toBeGreaterThan(0);
    expect(await compiled(request(), fresh)).toBe(0);
    await fresh.loadPair('models');
    expect(await compiled(request(), fresh)).toBeGreaterThan(0);
    const student = request({ selections: [STUDENT] });
    const run = tinyRun({ optimiser: { steps: 2 }, data: { heldOut: 0, validation: 0 } });
    await fresh.distil(run);
    const before = await fresh.lens(student);
    await fresh.distil({ ...run, seed: 2 });
    const after = await fresh.lens(student);
    expect(after.selections[0]?.spectra[0]?.sigma).not.toEqual(before.selections[0]?.spectra[0]?.sigma);
    // The teacher's are still there.
    expect(await compiled(request(), fresh)).toBe(0);
    await fresh.close();
  });

  it('of a run without a student are dropped with its checkpoints', async () => {
    const fresh = await opened();
    const { states } = insideOf<{ readonly states: StatesCache }>(fresh);
    const stop = new AbortController();
    const looks: Promise<LensReport>[] = [];
    const run = tinyRun({ optimiser: { steps: 6 }, data: { heldOut: 0, validation: 0 } });
    const report = (event: RunEvent): void => {
      if (event.kind !== 'spectrum') return;
      const subject = { kind: 'student', checkpoint: event.checkpoint } as const;
      if (looks.length === 1) stop.abort();
      else looks.push(fresh.lens(request({ selections: [{ subject, sections: ['latent'] }] })));
    };
    const cancelled = fresh.distil(
      { ...run, observation: { every: 1, samples: 2 } },
      { signal: stop.signal, report },
    );
    await expect(cancelled).rejects.toThrow(CancelledError);
    expect((await looks[0])?.selections[0]?.label).toBe('student, step 0');
    expect(await fresh.checkpoints()).toEqual([]);
    expect(states.bytes).toBe(0);
    await fresh.close();
  });
});

describe('a request that is cancelled or fails', () => {
  it('frees everything, whenever it ends', async () => {
    const fresh = await opened();
    const { runtime, models } = inside(fresh).opened;
    const everything = { ...EVERYTHING, selections: [TEACHER] as const, angles: 0 };
    await models.dispose();
    const before = [runtime.liveTensors, runtime.programCount];
    const cancelAt = async (at: number): Promise<boolean> => {
      const stop = new AbortController();
      let heard = 0;
      const report = () => {
        if (++heard === at) stop.abort();
      };
      const call = fresh.lens(everything, { signal: stop.signal, report });
      const cancelled = await call.then(
        () => false,
        (error) => error instanceof CancelledError || Promise.reject(error),
      );
      await models.dispose();
      expect([runtime.liveTensors, runtime.programCount]).toEqual(before);
      return cancelled;
    };
    for (const at of [1, 2, 3, 4]) expect(await cancelAt(at)).toBe(true);
    // Completely gathered states are kept, so each cancellation comes later than the one before.
    let cancelled = 0;
    for (const at of [1, 4, 8, 12, 20]) if (await cancelAt(at)) cancelled++;
    expect(cancelled).toBe(5);
    await expect(fresh.lens(everything, { signal: AbortSignal.abort() })).rejects.toThrow(CancelledError);
    await fresh.lens(everything);
    await fresh.close();
  });

  it('names the sample whose states are not finite', async () => {
    const broken = await opened({ norms: 2e38 });
    const failing = broken.lens(request());
    await expect(failing).rejects.toThrow(NumericError);
    await expect(failing).rejects.toThrow(/train-\d+ holds (NaN|-?Infinity) at token 1, layer \d/);
    await broken.close();
  });

  it('accepts states that are all zero', async () => {
    const flat = await opened({ scale: 0 });
    const report = await flat.lens({
      ...EVERYTHING,
      selections: [TEACHER, { ...TEACHER, subject: { kind: 'base' } }],
    });
    const strange = notFinite(report).map((path) => path.replace(/\[\d+\]|\.\d+/g, ''));
    // A zero vector has no direction.
    expect(new Set(strange)).toEqual(
      new Set(['report.selections.collapse.cosine', 'report.angles.angles', 'report.angles.chance']),
    );
    for (const s of report.selections[0]?.spectra ?? []) expect(s.effectiveRank).toBe(0);
    await flat.close();
  });

  it('says what is missing', async () => {
    const fresh = new LoriWorkbench(tinyEnvironment(await tinyPair()));
    await expect(fresh.lens(request())).rejects.toThrow('no execution provider is open');
    await fresh.open('wasm');
    await expect(fresh.lens(request())).rejects.toThrow(InputError);
    await fresh.loadPair('models');
    await expect(fresh.lens(request({ selections: [STUDENT] }))).rejects.toThrow(
      'no student has been trained',
    );
    await expect(fresh.lens(request({ selections: [OPENED] }))).rejects.toThrow('no checkpoint is open');
    await fresh.close();
  });
});
