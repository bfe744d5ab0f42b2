import { describe, expect, it } from 'vitest';
import { AS_DETECTED } from '../contract/data';
import { readData } from '../engine/data/sets/read';
import type { HubAccess } from './listing';
import { fetchRows, hubRowsError, VIEWER } from './rows';

const SOURCE = { dataset: 'openai/gsm8k', config: 'main', split: 'train', rows: 250 };

/** A viewer of a data set with this many rows. */
function viewer(count: number, change: (url: URL) => Response | undefined = () => undefined) {
  const asked: URL[] = [];
  const fetch = async (input: RequestInfo | URL) => {
    const url = new URL(String(input));
    asked.push(url);
    const [offset, length] = ['offset', 'length'].map((key) => Number(url.searchParams.get(key)));
    const rows = Array.from({ length: Math.max(0, Math.min(length!, count - offset!)) }, (_, i) => ({
      row_idx: offset! + i,
      row: { question: `Question ${offset! + i}?`, answer: `So.\n#### ${offset! + i}` },
      truncated_cells: [],
    }));
    return change(url) ?? Response.json({ features: [{ name: 'question' }], rows, num_rows_total: count });
  };
  const access: HubAccess = {
    signal: new AbortController().signal,
    limits: { stall: 1000, attempts: 2, pause: 1, longestPause: 10 },
    fetch: fetch as typeof globalThis.fetch,
  };
  return { asked, access };
}
const read = async (text: string) => readData([{ name: 'x', data: new Blob([text]) }], AS_DETECTED);

describe('rows through the dataset viewer', () => {
  it('come a hundred at a time, from one host, and keep their types', async () => {
    const { asked, access } = viewer(7473);
    const told: number[] = [];
    const { name, text } = await fetchRows(SOURCE, access, (done) => told.push(done));
    expect(name).toBe('openai-gsm8k-main-train.json');
    expect(told).toEqual([0, 100, 200, 250]);
    expect(asked.map(({ origin }) => origin)).toEqual([VIEWER, VIEWER, VIEWER]);
    expect(asked[2]!.search).toBe('?dataset=openai%2Fgsm8k&config=main&split=train&offset=200&length=50');
    const { rows, report } = await read(text);
    expect(report).toMatchObject({ format: 'gsm8k', rows: 250, malformed: 0, duplicates: 0 });
    expect(rows.at(-1)).toMatchObject({ question: 'Question 249?', answer: '249' });
  });

  it('are fewer if there are no more', async () => {
    const { asked, access } = viewer(130);
    expect((await read((await fetchRows(SOURCE, access)).text)).report.rows).toBe(130);
    expect(asked).toHaveLength(2);
  });

  it('are refused, quoting what was answered instead', async () => {
    for (const [response, message] of [
      [() => new Response('no', { status: 404 }), /has no rows of openai\/gsm8k/],
      [() => new Response('<html>', { headers: { 'content-type': 'text/html' } }), /web page/],
      [() => Response.json({ error: 'busy' }), /no list of rows/],
    ] as const)
      await expect(fetchRows(SOURCE, viewer(9, response).access)).rejects.toMatchObject({
        code: 'hub',
        message: expect.stringMatching(message),
        hint: expect.stringMatching(/./),
      });
    expect(hubRowsError(SOURCE)).toBeNull();
    for (const wrong of [{ dataset: 'gsm8k' }, { config: ' ' }, { rows: 0 }, { rows: 1001 }])
      expect(hubRowsError({ ...SOURCE, ...wrong })).toMatch(/./);
  });
});
