import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { hasFile, readFile } from '../../../../scripts/tools/files';
import { AS_DETECTED, BUNDLED_ROWS, type DataQuery, NO_FILTER, rowText } from '../../../contract/data';
import type { Progress } from '../../../contract/events';
import { FIGURE_6, type LensRequest, type Selection } from '../../../contract/lens';
import { readData } from '../../data/sets/read';
import { wordProblems } from '../../data/word-problems';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import { LoriWorkbench } from '../workbench';
import { rowLengths } from './row-lengths';

/** Word problems in coconut’s form, so that the tiny model has a token for every word. */
const ROWS = wordProblems(5, 40, { minSteps: 1, maxSteps: 4 });
const file = (rows: readonly object[], name = 'rows.json') => ({
  name,
  data: new Blob([JSON.stringify(rows)]),
});

let workbench: LoriWorkbench;
beforeAll(async () => {
  const files = await tinyPair();
  files.set(BUNDLED_ROWS.path, await readFile('models', BUNDLED_ROWS.path));
  workbench = new LoriWorkbench(tinyEnvironment(files));
  await workbench.open('wasm');
  const base = [...files].filter(([path]) => path.startsWith('base/'));
  await workbench.openCheckpoint(
    base.map(([path, bytes]) => ({ name: path.slice('base/'.length), data: new Blob([bytes]) })),
  );
  await workbench.openData([file(ROWS)], AS_DETECTED);
});
afterAll(() => workbench.close());

const query = (change: Partial<DataQuery> = {}): DataQuery => ({
  part: 'all',
  filter: NO_FILTER,
  draw: { seed: 1, samples: 4, heldOut: 3 },
  from: 0,
  count: 10,
  ...change,
});
const OPENED: Selection = { subject: { kind: 'opened' }, sections: ['rationale'] };
const lens = (change: Partial<LensRequest>) =>
  workbench.lens({
    ...FIGURE_6,
    source: { kind: 'rows', seed: 1, samples: 4 },
    selections: [OPENED],
    ...change,
  });

describe('the opened data set', () => {
  it('gives its rows by page, and drawn rows in the order of the draw', async () => {
    const page = await workbench.dataRows(query({ from: 38 }));
    expect(page).toMatchObject({ total: 40, passing: 40 });
    expect(page.rows.map(({ id }) => id)).toEqual(['row-39', 'row-40']);
    expect(page.rows[0]).toMatchObject({ ...ROWS[38], tokens: null });
    const sample = await workbench.dataRows(query({ part: 'sample' }));
    const { sampleIds, dataset } = await lens({});
    expect(sample.rows.map(({ id }) => id)).toEqual(sampleIds);
    expect(dataset).toMatch(/^rows\.json, sha256 [0-9a-f]{8}$/);
    const held = await workbench.dataRows(query({ part: 'held-out' }));
    expect(held.total).toBe(3);
    expect(held.rows.filter(({ id }) => sampleIds.includes(id))).toEqual([]);
  });

  it('counts tokens as fed; a filter on tokens then refers to them', async () => {
    const counts = await workbench.countTokens({ kind: 'opened' });
    const { rows } = await workbench.dataRows(query({ count: 40 }));
    // This tokenizer's tokens are words, punctuation, numbers and parts of a step; line breaks are not
    // tokens.
    const length = ({ question, rationale, answer }: (typeof rows)[number]) =>
      `${question} ${rationale} The answer is: ${answer}`.match(/<<\d+|[-+*/]\d+|=\d+>>|[a-z]+|\d+|[^\s\w]/gi)
        ?.length;
    expect(rows.map(({ tokens }) => tokens)).toEqual(rows.map(length));
    expect(counts).toMatchObject({
      positions: 256,
      tooLong: 0,
      all: { most: Math.max(...rows.map((r) => r.tokens!)) },
    });
    const filter = { ...NO_FILTER, tokens: [null, Math.floor(counts.all.median)] } as const;
    const short = await workbench.dataRows(query({ filter, count: 40 }));
    expect(short.passing).toBe(rows.filter(({ tokens }) => tokens! <= counts.all.median).length);
    const cost = await workbench.rowsCost({ kind: 'opened' }, { kind: 'rows', seed: 1, samples: 4, filter });
    const report = await lens({ source: { kind: 'rows', seed: 1, samples: 4, filter } });
    const tokens = report.selections[0]!.spectra.reduce((sum, s) => sum + s.tokens, 0);
    expect(cost).toMatchObject({
      rows: 4,
      sequences: 4,
      rationale: tokens,
      bytes: tokens * 2 * 32 * 4,
      tooLong: [],
    });
  });

  it('reports which rows are longer than the model’s positions, and truncates none', async () => {
    const long = { question: 'Tom has 5 apples.', steps: Array(90).fill('<<5+1=6>>'), answer: '6' };
    await workbench.openData([file([ROWS[0]!, long])], AS_DETECTED);
    expect(await workbench.countTokens({ kind: 'opened' })).toMatchObject({
      tooLong: 1,
      tooLongRows: ['row-2'],
    });
    const source = { kind: 'rows', seed: 1, samples: 2 } as const;
    expect(await workbench.rowsCost({ kind: 'opened' }, source)).toMatchObject({ tooLong: ['row-2'] });
    await expect(lens({ source })).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(/row-2 takes \d+ positions/),
    });
    await workbench.openData([file(ROWS)], AS_DETECTED);
  });

  it('counts each row once, checking the signal in between', async () => {
    const set = await readData([file(ROWS)], AS_DETECTED);
    const encode = vi.fn((text: string) => {
      // Takes longer than the pace.
      for (const end = performance.now() + 20; performance.now() < end; );
      return text.split(' ').map((_, i) => i);
    });
    const tokenizer = { encode, decode: () => '\n' } as unknown as Tokenizer;
    const abort = new AbortController();
    const seen: number[] = [];
    const stopped = rowLengths(set, tokenizer, [4, 7, 9], {
      signal: abort.signal,
      report: ({ done }) => {
        seen.push(done);
        abort.abort();
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
    expect(seen).toEqual([1]);
    const of = (i: number) => set.rows[i]!.question.split(' ').length;
    const lengths = await rowLengths(set, tokenizer, [7, 4]);
    expect(lengths.map(({ question }) => question)).toEqual([of(7), of(4)]);
    encode.mockClear();
    expect(await rowLengths(set, tokenizer, [4, 7, 7])).toEqual([lengths[1], lengths[0], lengths[0]]);
    expect(encode).not.toHaveBeenCalled();
    // Another tokenizer has counts of its own.
    const letters = { ...tokenizer, encode: (text: string) => [...text].map((_, i) => i) };
    expect((await rowLengths(set, letters, [4]))[0]?.question).toBeGreaterThan(of(4));
  });

  it('stays open if another cannot be read, and is gone, with its counts, once one is', async () => {
    await workbench.countTokens({ kind: 'opened' });
    await expect(
      workbench.openData([{ name: 'x', data: new Blob(['PAR1']) }], AS_DETECTED),
    ).rejects.toMatchObject({ code: 'file' });
    expect((await workbench.dataRows(query())).rows[0]?.tokens).toBeGreaterThan(0);
    await workbench.openData([file(ROWS)], AS_DETECTED);
    expect((await workbench.dataRows(query())).rows[0]?.tokens).toBeNull();
  });
});

describe('the lens on rows', () => {
  it('gives the same report as for the same text: question, rationale and answer in one pass', async () => {
    const sections = ['question', 'rationale', 'answer'] as const;
    const rows = await lens({ selections: [{ ...OPENED, sections }] });
    const { rows: sample } = await workbench.dataRows(query({ part: 'sample' }));
    const texts = sample.map((row) => Object.values(rowText(row)).join(''));
    const whole = await lens({
      source: { kind: 'texts', texts },
      selections: [{ ...OPENED, sections: ['text'] }],
    });
    const [a, b] = [rows.selections[0]!.spectra, whole.selections[0]!.spectra];
    expect(a.map(({ rows }) => rows)).toEqual(b.map(({ rows }) => rows));
    // The same program on the same ids: only the batch may differ.
    a.forEach(({ sigma }, i) => {
      sigma.forEach((value, j) => {
        expect(Math.abs(value - b[i]!.sigma[j]!)).toBeLessThan(1e-5 * b[i]!.sigma[0]!);
      });
    });
  });

  it('draws afresh from a new data set instead of reusing cached states', async () => {
    const before = await lens({});
    await workbench.openData([file(ROWS.slice(20))], AS_DETECTED);
    const after = await lens({});
    expect(after.selections[0]!.spectra[0]!.sigma).not.toEqual(before.selections[0]!.spectra[0]!.sigma);
    await workbench.openData([file(ROWS)], AS_DETECTED);
    const again = await lens({});
    expect(again.selections[0]!.spectra[0]!.sigma).toEqual(before.selections[0]!.spectra[0]!.sigma);
  });

  it('has the controls of problems, and refuses rows without a rationale by name', async () => {
    const { controls } = await lens({ controls: ['random-tokens', 'other-prompt'] });
    expect(controls.map(({ spectra }) => spectra.length)).toEqual([4, 4]);
    const bare = [{ question: 'Tom has 5 apples.', steps: [], answer: '5' }];
    await workbench.openData([file(bare)], AS_DETECTED);
    const source = { kind: 'rows', seed: 1, samples: 1 } as const;
    await expect(lens({ source })).rejects.toMatchObject({ message: 'row-1 has no rationale' });
    const { selections } = await lens({ source, selections: [{ ...OPENED, sections: ['question'] }] });
    expect(selections[0]!.spectra[0]!.tokens).toBe(5);
    await expect(lens({ source: { ...source, samples: 2 } })).rejects.toMatchObject({ code: 'input' });
    await workbench.openData([file(ROWS)], AS_DETECTED);
  });

  it('needs a data set', async () => {
    const empty = new LoriWorkbench(tinyEnvironment(await tinyPair()));
    await expect(empty.dataRows(query())).rejects.toMatchObject({
      code: 'input',
      message: 'no data set is open',
    });
  });
});

describe('the rows that come with the page', () => {
  it('are the intended 128 of GSM8K, with their licence', async () => {
    const from = { url: `models/${BUNDLED_ROWS.path}`, sha256: BUNDLED_ROWS.sha256 };
    const seen: Progress[] = [];
    const report = await workbench.openData(from, AS_DETECTED, { report: (p) => seen.push(p) });
    expect(report).toMatchObject({
      name: 'gsm8k-train-128.jsonl',
      format: 'gsm8k',
      rows: BUNDLED_ROWS.rows,
      bytes: BUNDLED_ROWS.bytes,
      sha256: BUNDLED_ROWS.sha256,
      malformed: 0,
      duplicates: 0,
    });
    expect(seen.at(-1)).toMatchObject({ phase: 'rows', done: BUNDLED_ROWS.bytes, total: BUNDLED_ROWS.bytes });
    const licence = new TextDecoder().decode(await readFile('models', BUNDLED_ROWS.licencePath));
    expect(licence).toContain('MIT License');
    expect(licence).toContain('OpenAI');
    await expect(workbench.openData({ ...from, sha256: 'f'.repeat(64) }, AS_DETECTED)).rejects.toMatchObject({
      code: 'file',
    });
  });
});

const STORIES = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'];
describe.skipIf(!(await hasFile('shared', 'checkpoints/stories260K/config.json')))('stories260K', () => {
  it('shows figure 6 of GSM8K rows', async () => {
    const files = await Promise.all(
      STORIES.map(async (name) => ({
        name,
        data: new Blob([await readFile('shared', `checkpoints/stories260K/${name}`)]),
      })),
    );
    const stories = new LoriWorkbench(tinyEnvironment(new Map()));
    await stories.open('wasm');
    await stories.openCheckpoint(files);
    const rows = await readFile('models', BUNDLED_ROWS.path);
    await stories.openData([{ name: 'gsm8k', data: new Blob([rows]) }], AS_DETECTED);
    const counts = await stories.countTokens({ kind: 'opened' });
    expect(counts.positions).toBe(512);
    const filter = { ...NO_FILTER, tokens: [null, 512], steps: [1, null] } as const;
    const source = { kind: 'rows', seed: 1, samples: 4, filter } as const;
    const { selections } = await stories.lens({ ...FIGURE_6, source, selections: [OPENED] });
    const { layers, spectra } = selections[0]!;
    expect([layers, spectra.length]).toEqual([5, 4]);
    for (const { rows: height, tokens, energyRanks } of spectra) {
      expect(height).toBe(tokens * 5);
      // 64 is the hidden size: low-rank, but not of rank one.
      expect(energyRanks[3]).toBeGreaterThan(8);
      expect(energyRanks[3]).toBeLessThan(64);
    }
    await stories.close();
  });
});
