import { describe, expect, it } from 'vitest';
import { AS_DETECTED, MAX_DATA_BYTES } from '../contract/data';
import { readData } from '../engine/data/sets/read';
import type { HubAccess } from './listing';
import type { Waiting } from './request';
import { ArrivedRows, fetchRows, type HubRows, hubRowsError, VIEWER, viewerOf } from './rows';
import { HUB } from './source';

const SOURCE: HubRows = { dataset: 'openai/gsm8k', config: 'main', split: 'train', rows: 250 };

/** A viewer of a data set with this many rows. */
function viewer(count: number, change: (url: URL, asked: number) => Response | undefined = () => undefined) {
  const asked: URL[] = [];
  const tokens: (string | null)[] = [];
  const fetch = async (input: RequestInfo | URL, init?: RequestInit) => {
    const url = new URL(String(input));
    asked.push(url);
    tokens.push(new Headers(init?.headers).get('authorization'));
    const [offset, length] = ['offset', 'length'].map((key) => Number(url.searchParams.get(key)));
    const rows = Array.from({ length: Math.max(0, Math.min(length!, count - offset!)) }, (_, i) => ({
      row_idx: offset! + i,
      row: { question: `Question ${offset! + i}?`, answer: `So.\n#### ${offset! + i}` },
      truncated_cells: [],
    }));
    return (
      change(url, asked.length) ??
      Response.json({ features: [{ name: 'question' }], rows, num_rows_total: count })
    );
  };
  const access: HubAccess = {
    signal: new AbortController().signal,
    limits: { stall: 1000, attempts: 4, pause: 1, longestPause: 10 },
    fetch: fetch as typeof globalThis.fetch,
  };
  return { asked, tokens, access };
}
const read = async (data: Blob) => readData([{ name: 'x', data }], AS_DETECTED);
const options = (change: object = {}) => ({ base: HUB, arrived: new ArrivedRows(), ...change });

describe('rows through the dataset viewer', () => {
  it('come a hundred at a time, from one host, and keep their types', async () => {
    const { asked, access } = viewer(7473);
    const told: unknown[] = [];
    const onProgress = (...progress: number[]) => told.push(progress);
    const { name, data } = await fetchRows(SOURCE, access, options({ onProgress }));
    expect(name).toBe('openai-gsm8k-main-train.jsonl');
    expect(told).toEqual([[0, 250], [100, 250], [200, 250], [250, 250]]); // biome-ignore format: pairs
    expect(asked.map(({ origin }) => origin)).toEqual([VIEWER, VIEWER, VIEWER]);
    expect(asked[2]!.search).toBe('?dataset=openai%2Fgsm8k&config=main&split=train&offset=200&length=50');
    const { rows, report } = await read(data);
    expect(report).toMatchObject({ format: 'gsm8k', rows: 250, malformed: 0, duplicates: 0, notes: [] });
    expect(rows.at(-1)).toMatchObject({ id: 'row-250', line: 250, question: 'Question 249?', answer: '249' });
  });

  it('are all that the split has, however many, where no number is asked for', async () => {
    const { asked, access } = viewer(2345);
    const told: unknown[] = [];
    const onProgress = (...progress: number[]) => told.push(progress);
    const { data } = await fetchRows({ ...SOURCE, rows: null }, access, options({ onProgress }));
    expect((await read(data)).report.rows).toBe(2345);
    expect(asked).toHaveLength(24);
    expect([told[0], told[1], told.at(-1)]).toEqual([[0, 0], [100, 2345], [2345, 2345]]); // biome-ignore format: pairs
  });

  it('keep the digits of numbers that JavaScript does not hold', async () => {
    const row =
      '{"row_idx": 0, "row": {"question": "How many?", "final_ans": 9007199254740993}, "truncated_cells": []}';
    const { access } = viewer(1, () => new Response(`{"rows": [${row}], "num_rows_total": 1}`));
    const { rows } = await read((await fetchRows(SOURCE, access, options())).data);
    expect(rows[0]?.answer).toBe('9007199254740993');
  });

  it('are fewer if there are no more', async () => {
    const { asked, access } = viewer(130);
    expect((await read((await fetchRows(SOURCE, access, options())).data)).report.rows).toBe(130);
    expect(asked).toHaveLength(2);
  });

  it('that the viewer has cut off are malformed, and the others load', async () => {
    const { access } = viewer(3, () =>
      Response.json({
        rows: [
          { row_idx: 0, row: { question: 'What', answer: '#### 1' }, truncated_cells: ['question'] },
          { row_idx: 1, row: { question: 'What else?', answer: '#### 2' }, truncated_cells: [] },
        ],
        num_rows_total: 2,
      }),
    );
    const { report } = await read((await fetchRows(SOURCE, access, options())).data);
    expect(report).toMatchObject({
      rows: 1,
      malformedRows: [{ line: 1, reason: 'the viewer has cut off question' }],
    });
  });

  it('go on where they broke off: after a cancel, and after a host that was gone; of another split they begin anew', async () => {
    const arrived = new ArrivedRows();
    const stop = new AbortController();
    const first = viewer(450, (_, asked) => {
      if (asked === 3) stop.abort();
      return undefined;
    });
    const signal = stop.signal;
    await expect(
      fetchRows({ ...SOURCE, rows: null }, { ...first.access, signal }, options({ arrived })),
    ).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(arrived.count).toBe(300);
    const gone = viewer(450, () => new Response('', { status: 502 }));
    const rejected = expect(fetchRows({ ...SOURCE, rows: null }, gone.access, options({ arrived })));
    await rejected.rejects.toMatchObject({
      code: 'network',
      hint: expect.stringMatching(/has arrived is kept/),
    });
    // In the middle of something long it is asked as often as its limits say.
    expect(gone.asked).toHaveLength(4);
    const rest = viewer(450);
    const { data } = await fetchRows({ ...SOURCE, rows: null }, rest.access, options({ arrived }));
    expect(rest.asked.map(({ searchParams }) => searchParams.get('offset'))).toEqual(['300', '400']);
    expect((await read(data)).report).toMatchObject({ rows: 450, duplicates: 0 });
    const other = viewer(10);
    await fetchRows({ ...SOURCE, split: 'test' }, other.access, options({ arrived }));
    expect(other.asked[0]!.searchParams.get('offset')).toBe('0');
  });

  it('say why they wait, and that they no longer do', async () => {
    const { access } = viewer(200, (_, asked) =>
      asked === 2 ? new Response('', { status: 429, headers: { 'retry-after': '0' } }) : undefined,
    );
    const waits: (Waiting | null)[] = [];
    await fetchRows(SOURCE, access, options({ onWait: (waiting: Waiting | null) => waits.push(waiting) }));
    expect(waits).toEqual([{ why: expect.stringMatching(/asks to wait \(429\)/), pause: 0 }, null]);
  });

  it('that would not fit into memory are refused by name at once, with how many would', async () => {
    const { asked, access } = viewer(50_000_000);
    const all = fetchRows({ ...SOURCE, rows: null }, access, options());
    const error = await all.catch((thrown) => thrown);
    expect(error).toMatchObject({
      code: 'input',
      message: expect.stringMatching(
        /^50000000 rows of openai\/gsm8k \(main, train\) take about \d+ MB; at most 268 MB/,
      ),
    });
    expect(asked).toHaveLength(1);
    const [, fitting] = /the first (\d+)\./.exec(error.hint)!;
    const rows = Number(fitting);
    expect(rows).toBeGreaterThan(1_000_000);
    // That many rows of the length of the first are not refused.
    const arrived = new ArrivedRows();
    const stop = new AbortController();
    const some = viewer(50_000_000, (_, n) => {
      if (n === 2) stop.abort();
      return undefined;
    });
    const signal = stop.signal;
    const asking = fetchRows({ ...SOURCE, rows }, { ...some.access, signal }, options({ arrived }));
    await expect(asking).rejects.toMatchObject({ name: 'AbortError' });
    expect((arrived.bytes / arrived.count) * rows).toBeLessThan(MAX_DATA_BYTES);
  });

  it('come from a mirror where its viewer is expected, without a token; one that has none is named, with the other way', async () => {
    expect(
      [HUB, 'https://hf.example/hub', 'http://localhost:80', 'http://127.0.0.1:4000', 'https://[::1]'].map(
        viewerOf,
      ),
    ).toEqual([
      'https://datasets-server.huggingface.co',
      'https://datasets-server.hf.example/hub',
      'http://localhost:80',
      'http://127.0.0.1:4000',
      'https://[::1]',
    ]);
    const base = 'https://hf.example';
    const { asked, tokens, access } = viewer(5);
    await fetchRows(SOURCE, { ...access, token: 'hf_secret' }, options({ base }));
    expect(asked.map(({ origin }) => origin)).toEqual(['https://datasets-server.hf.example']);
    expect(tokens).toEqual([null]);
    for (const answer of [
      () => new Response('', { status: 404 }),
      () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
      () => Response.json({ detail: 'what?' }),
      () => {
        throw new TypeError('Failed to fetch');
      },
    ])
      await expect(fetchRows(SOURCE, viewer(5, answer).access, options({ base }))).rejects.toMatchObject({
        message: expect.stringMatching(
          /^the mirror hf\.example gave no rows of openai\/gsm8k .*may have no dataset viewer, which is expected at datasets-server\.hf\.example$/,
        ),
        hint: 'Download the rows as a file of the data set’s repository instead, or choose Hugging Face.',
      });
  });

  it('are refused, quoting what was answered instead', async () => {
    for (const [response, message] of [
      [() => new Response('no', { status: 404 }), /found nothing for rows of openai\/gsm8k/],
      [() => new Response('<html>', { headers: { 'content-type': 'text/html' } }), /web page/],
      [() => Response.json({ error: 'busy' }), /no list of rows/],
    ] as const)
      await expect(fetchRows(SOURCE, viewer(9, response).access, options())).rejects.toMatchObject({
        code: 'hub',
        message: expect.stringMatching(message),
        hint: expect.stringMatching(/./),
      });
    expect([SOURCE, { ...SOURCE, rows: null }, { ...SOURCE, rows: 400_000 }].map(hubRowsError)).toEqual([
      null,
      null,
      null,
    ]);
    for (const wrong of [{ dataset: 'gsm8k' }, { config: ' ' }, { rows: 0 }, { rows: 1.5 }])
      expect(hubRowsError({ ...SOURCE, ...wrong })).toMatch(/./);
  });
});
