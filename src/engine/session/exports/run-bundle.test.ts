import { beforeAll, describe, expect, it } from 'vitest';
import { METHODS } from '../../../contract/methods/index';
import { BUNDLE_FILES, type RunExportRequest } from '../../../contract/run-bundle';
import type { SavedRun } from '../../../contract/saved-run';
import { emptySeries } from '../../../contract/series-schema';
import type { RunSnapshot } from '../../../contract/snapshot';
import { sha256Hex } from '../../base/sha256';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { tinyRun, watch } from '../runs/tiny-run.testing';
import { LoriWorkbench } from '../workbench';
import { readRunBundle } from './read-bundle';
import { type BundledFile, zipOf } from './run-bundle';
import { unpacked } from './unpacked.testing';

let requests: { readonly half: RunExportRequest; readonly done: RunExportRequest };
let bundle: Blob;
let files: BundledFile[];
let losses: number[];

const open = async (): Promise<LoriWorkbench> => {
  const workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
  return workbench;
};
const read = (data: Blob) => readRunBundle({ name: 'run.zip', data }, METHODS);

beforeAll(async () => {
  const workbench = await open();
  const config = tinyRun({
    keeping: { every: 1 },
    data: { validation: 0, heldOut: 0 },
    observation: { every: 0 },
    weights: { anchor: 0 },
  });
  const snapshots: RunSnapshot[] = [];
  const watched = watch();
  const result = await workbench.distil(config, {
    report: watched.report,
    keep: async (snapshot) => void snapshots.push(snapshot),
  });
  losses = watched.steps().map((step) => step.losses.total);
  const { student: _, ...row } = result;
  const run: SavedRun = {
    id: '2026-11-26T08:00:00.000Z',
    savedAt: 1_790_000_000_000,
    config,
    result: null,
    // A loss that is not finite must survive the round trip.
    series: {
      ...emptySeries,
      step: [1, 2],
      learningRate: [0.1, 0.2],
      gradientNorm: [1, Number.NaN],
      milliseconds: [3, 4],
      losses: { total: [1.5, Number.POSITIVE_INFINITY] },
    },
    name: 'Half way',
    tags: ['ü', 'b'],
  };
  const at = (step: number): Uint8Array<ArrayBuffer> =>
    (snapshots.findLast((one) => one.step === step) as RunSnapshot).file;
  requests = {
    half: { format: 'bundle', run, student: at(3) },
    done: { format: 'bundle', run: { ...run, result: row }, student: at(5) },
  };
  const made = await workbench.exportRun(requests.half);
  expect(made.name).toBe('lori-lori-seed1-step3-run.zip');
  expect(made.files.map(({ name }) => name)).toEqual(Object.values(BUNDLE_FILES).sort((a, b) => order(a, b)));
  bundle = made.blob;
  files = await Promise.all(
    (await unpacked(made)).map(async ({ name, data }) => ({ name, bytes: await data.bytes() })),
  );
  await workbench.close();
});

const WRITTEN = ['bundle.json', 'README.md', 'run.json', 'series.json', 'data.json', 'student.safetensors'];
const order = (a: string, b: string): number => WRITTEN.indexOf(a) - WRITTEN.indexOf(b);

describe('a run bundle', () => {
  it.each(['half', 'done'] as const)(
    'survives a round trip to the bit, as the same file: %s',
    async (which) => {
      const workbench = await open();
      const request = requests[which];
      const made = await workbench.exportRun(request);
      const opened = await workbench.openRun({ name: made.name, data: made.blob });
      expect(opened.run).toEqual(request.run);
      expect(opened.student).toEqual(request.student);
      expect(opened).toMatchObject(which === 'half' ? { step: 3, status: 'training' } : { status: 'done' });
      const again = await workbench.exportRun({ ...request, run: opened.run, student: opened.student });
      expect(await again.blob.bytes()).toEqual(await made.blob.bytes());
      if (which === 'half') {
        const watched = watch();
        await workbench.resume(opened.student, { report: watched.report });
        expect(watched.steps().map((step) => step.losses.total)).toEqual(losses.slice(3));
      }
      expect((await workbench.openStudent(opened.student)).step).toBe(which === 'half' ? 3 : 5);
      await workbench.close();
    },
    20_000,
  );

  it('is read from inside a folder, as in repacked archives', async () => {
    const below = files.map(({ name, bytes }) => ({ name: `my run/${name}`, bytes }));
    const junk = { name: '__MACOSX/._run.json', bytes: new Uint8Array(3) };
    expect((await read(await zipOf([...below, junk]))).step).toBe(3);
  });
});

/** The bundle with some files changed, and bundle.json updated to match. */
async function changed(change: Readonly<Record<string, (text: string) => string>>): Promise<Blob> {
  const about = JSON.parse(new TextDecoder().decode(files[0]?.bytes));
  const next = files.map(({ name, bytes }) => {
    const by = change[name];
    return by
      ? { name, bytes: new TextEncoder().encode(by(new TextDecoder().decode(bytes))) }
      : { name, bytes };
  });
  for (const { name, bytes } of next)
    if (name in about.files) about.files[name] = { bytes: bytes.length, sha256: await sha256Hex(bytes) };
  const text = change['bundle.json']?.(JSON.stringify(about)) ?? JSON.stringify(about);
  return zipOf([{ name: 'bundle.json', bytes: new TextEncoder().encode(text) }, ...next.slice(1)]);
}

describe('a run bundle is refused', () => {
  const refused: [string, () => Blob | Promise<Blob>, RegExp][] = [
    ['cut off', () => bundle.slice(0, bundle.size >> 1), /no end of a ZIP archive/],
    [
      'with a file changed',
      () => zipOf(files.map((f) => (f.name === 'run.json' ? { ...f, bytes: f.bytes.with(20, 33) } : f))),
      /run\.json of the run bundle does not match bundle\.json/,
    ],
    [
      'with a file missing',
      () => zipOf(files.filter((f) => f.name !== 'series.json')),
      /has no series\.json/,
    ],
    [
      'with a file more',
      () => zipOf([...files, { name: 'run.js', bytes: new Uint8Array(1) }]),
      /holds "run\.js", which no run bundle has/,
    ],
    ['without bundle.json', () => zipOf(files.slice(1)), /"run\.zip" is not a run bundle/],
    [
      'of a later version',
      () => changed({ 'bundle.json': (t) => t.replace('"version":1', '"version":2') }),
      /has version 2; only version 1 can be read/,
    ],
    [
      'of another kind',
      () => changed({ 'bundle.json': (t) => t.replace('lori-run-bundle', 'lori-run') }),
      /bundle\.json is not understood: kind/,
    ],
    [
      'with an unknown field',
      () => changed({ 'run.json': (t) => t.replace('{', '{"more": 1,') }),
      /holds "more", which no run has/,
    ],
    [
      'with another configuration',
      () => changed({ 'run.json': (t) => t.replace('"seed": 1', '"seed": 2') }),
      /have different configurations/,
    ],
    [
      'with other ids',
      () => changed({ 'data.json': (t) => t.replace('train-', 'held-out-') }),
      /belong to different students/,
    ],
    [
      'with curves that are none',
      () => changed({ 'series.json': (t) => t.replace('[1,2]', '[1]') }),
      /series\.json of the run bundle cannot be read/,
    ],
    [
      'with a student of another kind',
      () => changed({ 'student.safetensors': (t) => t }),
      /snapshot|safetensors|header/,
    ],
  ];
  it.each(refused)('%s', async (_what, make, message) => {
    await expect(read(await make())).rejects.toMatchObject({
      code: expect.stringMatching(/^(file|config|input)$/),
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/./),
    });
  });

  it('before it is written, if run and student do not belong together', async () => {
    const workbench = await open();
    const { half } = requests;
    const other = { ...half.run, config: { ...half.run.config, seed: 9 } };
    await expect(workbench.exportRun({ ...half, run: other })).rejects.toThrow(/different configurations/);
    await expect(workbench.exportRun({ ...half, student: new Uint8Array() })).rejects.toThrow(
      /no student of the run/,
    );
    await expect(workbench.exportRun({ ...half, format: 'tar' as 'bundle' })).rejects.toThrow(
      /no format "tar"/,
    );
    await workbench.close();
  });
});
