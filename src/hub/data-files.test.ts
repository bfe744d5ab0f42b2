import { describe, expect, it, vi } from 'vitest';
import { AS_DETECTED, MAX_DATA_BYTES } from '../contract/data';
import { readData } from '../engine/data/sets/read';
import { DataShelf, dataPlan, inspectDataSet } from './data-files';
import { download } from './download';
import { type Answer, type Asked, fakeFetch, listedFile, SHORT, serve } from './fake-hub.testing';
import type { TransferProgress } from './progress';
import { HUB } from './source';

const bytes = (text: string) => new TextEncoder().encode(text);
/** Each as its repository has it. */
const FILES: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
  'README.md': bytes('# own'),
  'data/train.txt': bytes(
    'Tom has 4 apples and 3 pears. How many fruits?||<<4+3=7>> #### 7\n'.repeat(1) +
      Array.from(
        { length: 60 },
        (_, i) => `Ann has ${i} and 2 more?||<<${i}+2=${i + 2}>> #### ${i + 2}\n`,
      ).join(''),
  ),
  'data/gsm_valid.json': bytes(
    JSON.stringify([
      { question: 'Tom has 4 and 3?', steps: ['<<4+3=7>>', '<<7*2=14>>'], answer: '14' },
      { question: 'Ann has 1?', steps: [], answer: '1' },
    ]),
  ),
  'prosqa_train.json': bytes(
    JSON.stringify([
      {
        question: 'Every terpus is a lempus. Tom is a terpus. Is Tom a lempus or a zumpus?',
        steps: ['Tom is a terpus.', 'Every terpus is a lempus.'],
        answer: 'Tom is a lempus.',
        ...{
          idx_to_symbol: ['Tom', 'terpus', 'lempus', 'zumpus'],
          edges: [
            [0, 1],
            [1, 2],
          ],
          root: 0,
        },
        ...{ target: 2, neg_target: 3 },
      },
    ]),
  ),
};
const COMMIT = 'c'.repeat(40);
const listing = (paths = Object.keys(FILES), more: object[] = []): Answer => ({
  body: JSON.stringify({
    sha: COMMIT,
    cardData: { license: 'mit' },
    siblings: [
      ...paths.map((path) => {
        const { size, sha256 } = listedFile(path, FILES[path]!);
        return { rfilename: path, size, lfs: { sha256, size } };
      }),
      ...more,
    ],
  }),
});
const signal = new AbortController().signal;
const inspect = (typed: { repository?: string; file?: string }, answer: Answer = listing(), base = HUB) => {
  const { fetch, asked } = fakeFetch(() => answer);
  const found = inspectDataSet({ repository: 'org/own', file: '', ...typed }, base, {
    signal,
    fetch,
    limits: SHORT,
  });
  return { found, asked };
};

async function opened(
  path: string,
  shelf?: DataShelf,
  answers: ((asked: Asked) => Answer)[] = [serve(FILES[path]!)],
) {
  const offer = await inspect({ file: path }).found;
  const own = shelf ?? new DataShelf(dataPlan(offer, offer.chosen));
  const { fetch, asked } = fakeFetch(...answers);
  const told: TransferProgress[] = [];
  await download(own.plan, own, {
    token: null,
    limits: SHORT,
    signal,
    fetch,
    report: (now) => told.push(now),
  });
  const file = own.file();
  return { file, asked, told, set: await readData([file], AS_DETECTED) };
}

describe('a file of a data set’s repository', () => {
  it('is looked up with one request, and chosen: as typed, by its address, or the training file there is', async () => {
    const { found, asked } = inspect({});
    expect(await found).toMatchObject({
      repository: { id: 'datasets/org/own', commit: COMMIT, licence: 'mit' },
      chosen: { path: 'data/train.txt' },
    });
    expect((await found).files.map(({ path }) => path)).toEqual(
      ['data/train.txt', 'prosqa_train.json', 'data/gsm_valid.json'].sort(
        (a, b) => FILES[b]!.length - FILES[a]!.length,
      ),
    );
    expect(asked.map(({ url }) => url)).toEqual([`${HUB}/api/datasets/org/own/revision/main?blobs=true`]);
    const typed = await inspect({ file: ' /data/gsm_valid.json' }).found;
    expect(typed.chosen.path).toBe('data/gsm_valid.json');
    const address = `${HUB}/datasets/org/own/blob/main/prosqa_train.json`;
    expect((await inspect({ repository: address }).found).chosen.path).toBe('prosqa_train.json');
  });

  it.each([
    ['data/train.txt', 'icot', 61, { question: /^Tom has 4/, steps: ['<<4+3=7>>'], answer: '7' }],
    ['data/gsm_valid.json', 'coconut', 2, { steps: ['<<4+3=7>>', '<<7*2=14>>'], answer: '14' }],
    ['prosqa_train.json', 'prosqa', 1, { steps: [/terpus/, /lempus/], answer: 'Tom is a lempus.' }],
  ])(
    '%s is downloaded by its commit, proved, and read in its form, as a dropped file is',
    async (path, format, rows, first) => {
      const { file, asked, told, set } = await opened(path);
      expect(asked.map(({ url }) => url)).toEqual([`${HUB}/datasets/org/own/resolve/${COMMIT}/${path}`]);
      expect(told.at(-1)).toMatchObject({ done: FILES[path]!.length, total: FILES[path]!.length });
      const dropped = await readData(
        [{ name: path.split('/').at(-1)!, data: new Blob([FILES[path]!]) }],
        AS_DETECTED,
      );
      expect(set.report).toEqual(dropped.report);
      expect(set.rows).toEqual(dropped.rows);
      expect(set.report).toMatchObject({ format, rows, malformed: 0, name: file.name });
      for (const [field, value] of Object.entries(first))
        for (const [i, part] of [value].flat().entries()) {
          const own = [(set.rows[0] as never)[field]].flat()[i];
          expect(own).toEqual(part instanceof RegExp ? expect.stringMatching(part) : part);
        }
    },
  );

  it('goes on where it broke off, and refuses content that is not what was listed', async () => {
    const path = 'data/train.txt';
    const all = FILES[path]!;
    const cut = serve(all, { most: 1500, after: 'break' });
    const { asked, set } = await opened(path, undefined, [cut, serve(all)]);
    expect(asked.map(({ from }) => from)).toEqual([0, 1500]);
    expect(set.report.rows).toBe(61);
    const other = all.slice();
    other[3] = 0x21;
    await expect(opened(path, undefined, [serve(other)])).rejects.toMatchObject({
      code: 'hub',
      message: expect.stringMatching(/hash/),
    });
  });

  it('resumes from what its shelf holds after a cancel', async () => {
    const path = 'data/train.txt';
    const offer = await inspect({ file: path }).found;
    const shelf = new DataShelf(dataPlan(offer, offer.chosen));
    const stop = new AbortController();
    const { fetch } = fakeFetch(serve(FILES[path]!, { most: 2000, after: 'hang' }));
    const cancelled = download(shelf.plan, shelf, {
      ...{ token: null, limits: { ...SHORT, stall: 5000 }, signal: stop.signal, fetch },
      report: () => {},
    });
    await vi.waitFor(() => expect(shelf.file().data.size).toBe(2000));
    stop.abort();
    await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' });
    const { asked } = await opened(path, shelf);
    expect(asked[0]!.from).toBe(2000);
  });

  it('is refused by name where there is none, none that is read here, or where it does not fit', async () => {
    await expect(inspect({ file: 'data/test.txt' }).found).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(/^org\/own has no file "data\/test\.txt"; it has data\/train\.txt, /),
    });
    const parquet = listing(['README.md'], [{ rfilename: 'train.parquet', size: 9, lfs: null }]);
    await expect(inspect({}, parquet).found).rejects.toMatchObject({
      message: 'org/own has no file of rows as text; it has README.md, train.parquet',
      hint: expect.stringMatching(/Parquet files, fetch the rows through the dataset viewer/),
    });
    await expect(inspect({}, { status: 404 }).found).rejects.toMatchObject({
      code: 'hub',
      message: expect.stringMatching(/ found nothing for a data set org\/own at revision main \(404\)$/),
    });
    const large = listing([], [{ rfilename: 'train.jsonl', size: MAX_DATA_BYTES + 1 }]);
    const offer = await inspect({}, large).found;
    expect(() => dataPlan(offer, offer.chosen)).toThrow(
      /^train\.jsonl has 268435457 bytes; at most 268435456 fit/,
    );
  });
});
