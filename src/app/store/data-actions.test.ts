import { describe, expect, it, vi } from 'vitest';
import { type DoubleOptions, engineError } from '../workbench.testing';
import { initialDataDraft } from './data';
import { judgeAnswers } from './data-answers';
import { formatLink } from './link';
import { openApp } from './open-app.testing';

function open(options: DoubleOptions & { hash?: string } = {}) {
  const app = openApp(options);
  return { ...app, data: () => app.state().data };
}

const file = (rows: readonly object[], name = 'rows.json') => ({
  name,
  data: new Blob([JSON.stringify(rows)]),
});
const ROWS = Array.from({ length: 30 }, (_, i) => ({
  question: `Question ${i}?`,
  steps: Array.from({ length: i % 4 }, (_, n) => `<<${n}+1=${n + 1}>>`),
  answer: `${i}`,
}));
const CHECKPOINT = [{ name: 'config.json', data: new Blob(['{}']) }];

describe('a data set', () => {
  it('is read and shown by page; a filter and a draw change what is shown, and the address', async () => {
    const { actions, data, state } = open({ hash: '#/data' });
    expect(await actions.openData([file(ROWS)])).toBe(true);
    expect(data().report.value).toMatchObject({ format: 'coconut', rows: 30 });
    expect(data().page.value).toMatchObject({ total: 30, passing: 30 });
    expect(data().page.value?.rows).toHaveLength(10);
    actions.showRows(29);
    await vi.waitFor(() => expect(data().page.value?.rows[0]?.id).toBe('row-21'));
    actions.changeData({ steps: '2-', part: 'sample', samples: 5 });
    await vi.waitFor(() => expect(data().page.value).toMatchObject({ total: 5, passing: 14 }));
    expect(data().first).toBe(0);
    expect(formatLink(state().link)).toBe('#/data?data-part=sample&data-sample=5&data-steps=2-');
    actions.changeData({ heldOut: 20 });
    await vi.waitFor(() =>
      expect(data().page).toMatchObject({
        status: 'failed',
        error: { message: expect.stringMatching(/14 of 30/) },
      }),
    );
    expect(await actions.drawnRows('sample')).toBeNull();
    actions.changeData({ heldOut: 9 });
    await vi.waitFor(() => expect(data().page.status).toBe('done'));
    expect(await actions.drawnRows('held-out')).toHaveLength(9);
  });

  it('restores a draw from its link', async () => {
    const { actions, data, state } = open({ hash: '#/data?data-sample=7&data-steps=1-2&data-seed=x' });
    expect(state().linkProblems).toEqual([
      'unknown data-seed "x": expected a whole number from 0 to 2147483647',
    ]);
    expect(data().draft).toMatchObject({ samples: 7, steps: '1-2', seed: 1 });
    await actions.openData([file(ROWS)]);
    expect(data().page.value?.passing).toBe(15);
    actions.followLink('#/data?data-sample=3');
    await vi.waitFor(() => expect(data().page.value?.passing).toBe(30));
    expect(data().draft.samples).toBe(3);
  });

  it('is read again from the same files when its format is changed', async () => {
    const { actions, data } = open();
    await actions.openData([file([{ frage: 'Wie viele?', antwort: '4' }])]);
    expect(data().report.value).toMatchObject({ rows: 0, mapping: null });
    expect(data().page.value).toBeNull();
    await actions.changeReading({ columns: { question: 'frage', answer: 'antwort' } });
    expect(data().report.value).toMatchObject({ rows: 1, mapping: { question: 'frage' } });
    expect(data().page.value?.rows[0]).toMatchObject({ question: 'Wie viele?', answer: '4' });
  });

  it('stays open if another cannot be read, and can be read again after the engine has died', async () => {
    const { actions, data, doubles } = open();
    await actions.openData([file(ROWS)]);
    expect(await actions.openData([{ name: 'x', data: new Blob(['']) }])).toBe(false);
    expect(data().report).toMatchObject({ status: 'failed', value: { rows: 30 }, error: { code: 'file' } });
    doubles[0]!.die();
    await vi.waitFor(() => expect(data().report.value).toBeNull());
    expect(data().page.value).toBeNull();
    await actions.restart();
    expect(await actions.changeReading({})).toBe(true);
    expect(data().report.value?.rows).toBe(30);
  });

  it('shows the answer to the last request only', async () => {
    const { actions, data, doubles } = open();
    await actions.openData([file(ROWS)]);
    const engine = doubles[0]!;
    const rows = engine.dataRows;
    let slow: (() => void) | undefined;
    engine.dataRows = async (query) => {
      if (query.filter.steps[0] === 1) await new Promise<void>((resolve) => (slow = resolve));
      return rows(query);
    };
    actions.changeData({ steps: '1-' });
    actions.changeData({ steps: '3-' });
    await vi.waitFor(() => expect(data().page.value?.passing).toBe(7));
    slow?.();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(data().page.value?.passing).toBe(7);
  });
});

describe('figure 6 of rows', () => {
  it('takes one call once a model is open, after the cost was shown; rows that are too long are left out, not cut', async () => {
    const { actions, data, state, doubles } = open();
    await actions.openCheckpoint(CHECKPOINT);
    // Typed before, for something else.
    actions.changeLens({ span: '3-10', layers: '2' });
    expect(await actions.prepareRows()).toBe(true);
    expect(data().report.value).toMatchObject({ name: 'gsm8k-train-128.jsonl', rows: 128 });
    // Estimating the cost counts no tokens and changes no filter.
    expect([data().counts.status, data().draft]).toEqual(['idle', initialDataDraft]);
    expect(data().cost.value?.rows).toBe(16);
    expect(data().cost.value?.tooLong.length).toBeGreaterThan(0);
    expect(doubles[0]!.calls.some((call) => call.startsWith('countTokens'))).toBe(false);
    expect(await actions.showRowsFigure()).toBe(true);
    expect(data().counts.value).toMatchObject({ positions: 256, tooLong: 32 });
    expect(data().draft.tokens).toBe('-256');
    expect(data().cost.value).toMatchObject({ rows: 16, tooLong: [] });
    const { rationale, bytes } = data().cost.value!;
    expect(bytes).toBe(rationale * 6 * 96 * 4);
    expect(state().link.panel).toBe('lowrank');
    const { span = null, layers } = state().lens.report.value?.request ?? {};
    expect([span, layers]).toEqual([null, null]);
    expect(state().lens.report.value?.request).toMatchObject({
      source: { kind: 'rows', seed: 1, samples: 16, filter: { tokens: [null, 256] } },
      selections: [{ subject: { kind: 'opened' }, sections: ['rationale'] }],
      stack: 'sample',
    });
    // Neither needs the pair.
    expect(doubles[0]!.calls.some((call) => call.startsWith('loadPair'))).toBe(false);
    await actions.openData([file(ROWS)]);
    expect(state().lens.outlived.report).toBe(true);
  });

  it('leaves out rows without a rationale', async () => {
    const { actions, data } = open();
    await actions.openCheckpoint(CHECKPOINT);
    await actions.openData([file(ROWS)]);
    await actions.prepareRows();
    expect(data().draft.steps).toBe('');
    await actions.showRowsFigure();
    expect(data().draft.steps).toBe('1-');
  });

  it('says why the rows cannot be read', async () => {
    const { actions, data } = open({
      failures: { rowsCost: engineError('input', 'no token for “é”', 'Use another.') },
    });
    await actions.openCheckpoint(CHECKPOINT);
    expect(await actions.showRowsFigure()).toBe(false);
    expect(data().cost).toMatchObject({ status: 'failed', error: { hint: 'Use another.' } });
  });
});

describe('answers', () => {
  it('are marked one by one, with the share of correct ones; another rule marks them afresh', async () => {
    const { actions, data, doubles } = open();
    await actions.openCheckpoint(CHECKPOINT);
    await actions.openData([file(ROWS)]);
    actions.changeData({ samples: 5 });
    const asked: string[] = [];
    const { generate } = doubles[0]!;
    doubles[0]!.generate = (request, options) => {
      asked.push(request.prompt);
      return generate(request, options);
    };
    expect(await actions.answerRows()).toBe(true);
    const { rows, part } = data().answers;
    expect([rows.length, part]).toEqual([5, 'sample']);
    expect(asked).toEqual(rows.map(({ row }) => `${row.question}\n`));
    expect(rows.map(({ row }) => row.id)).toEqual((await actions.drawnRows('sample'))!.map(({ id }) => id));
    // The double's answer has 11 as its last number, and no #.
    const eleven = rows.map((one) => ({ ...one, row: { ...one.row, answer: '11' } }));
    expect(judgeAnswers(eleven, 'last-number').share).toMatchObject({ correct: 5, total: 5 });
    expect(judgeAnswers(eleven, 'gsm8k').share).toMatchObject({ correct: 0, total: 5 });
    expect(judgeAnswers(rows, 'last-number').share.correct).toBe(
      rows.filter(({ row }) => row.answer === '11').length,
    );
    await actions.openData([file(ROWS)]);
    expect(data().answers.rows).toEqual([]);
    // They are known for as long as the page lives; with another limit they are others.
    actions.changeData({ samples: 5 });
    expect(await actions.answerRows()).toBe(true);
    expect([data().answers.rows.length, asked.length]).toEqual([5, 5]);
    actions.changeAnswers({ limit: 9 });
    expect(await actions.answerRows()).toBe(true);
    expect([data().answers.rows.length, asked.length]).toEqual([5, 10]);
  });

  it('of rows that the model cannot be asked are listed, and the rest is answered; any other error ends the task', async () => {
    const { actions, data, doubles } = open();
    await actions.openCheckpoint(CHECKPOINT);
    await actions.openData([file(ROWS)]);
    actions.changeData({ samples: 5 });
    const { generate } = doubles[0]!;
    let asked = 0;
    let error = engineError('input', 'the prompt has 300 tokens', 'Shorten it.');
    doubles[0]!.generate = (request, options) =>
      ++asked === 2 ? Promise.reject(error) : generate(request, options);
    expect(await actions.answerRows()).toBe(true);
    const { rows, refused } = data().answers;
    expect([rows.length, refused.map(({ reason }) => reason)]).toEqual([4, ['the prompt has 300 tokens']]);
    expect(rows.map(({ row }) => row.id)).not.toContain(refused[0]?.row.id);
    actions.changeAnswers({ limit: 8 });
    asked = 0;
    error = engineError('memory', 'no room', 'Close something.');
    expect(await actions.answerRows()).toBe(false);
    expect(data().answers.task).toMatchObject({ status: 'failed', error: { message: 'no room' } });
    expect(data().answers.rows).toHaveLength(1);
  });

  it.each(['coconut', 'gsm8k', 'text', 'first-number', 'last-number'] as const)(
    'are judged as in an evaluation by %s: by what follows the answer prompt, if the model has written it',
    (rule) => {
      const text = '<<48/2=24>> <<48+24=72>>\nThe answer is: 72';
      const answer = { row: { answer: '72' } as never, text, ending: 'stopped' as never };
      const { rows } = judgeAnswers([answer], rule);
      expect(rows[0]?.right).toBe(true);
      expect(text.slice(rows[0]?.mark?.start)).toBe('72');
    },
  );

  it('keep what was answered when cancelled; a part without rows says so', async () => {
    const { actions, data } = open({ pace: 2 });
    await actions.openCheckpoint(CHECKPOINT);
    await actions.openData([file(ROWS)]);
    const running = actions.answerRows();
    await vi.waitFor(() => expect(data().answers.rows.length).toBeGreaterThan(0), { timeout: 5000 });
    actions.cancelAnswers();
    expect(await running).toBe(false);
    expect(data().answers.task.status).toBe('idle');
    expect(data().answers.rows.length).toBeLessThan(16);
    actions.changeData({ part: 'held-out', heldOut: 0 });
    expect(await actions.answerRows()).toBe(false);
    expect(data().answers.task).toMatchObject({
      error: { message: 'there are no rows in the held-out part' },
    });
  });
});

describe('rows that cannot be read', () => {
  it('are reported in the engine’s words: beside the answers, and in a notice about the export', async () => {
    const { actions, data, state, doubles } = open();
    await actions.openCheckpoint(CHECKPOINT);
    await actions.openData([file(ROWS)]);
    doubles[0]!.dataRows = () => Promise.reject(engineError('input', '14 of 30 pass', 'Ask for fewer.'));
    const before = state().notices.length;
    expect(await actions.answerRows()).toBe(false);
    expect(data().answers.task).toMatchObject({
      status: 'failed',
      error: { message: '14 of 30 pass', hint: 'Ask for fewer.' },
    });
    expect(state().notices).toHaveLength(before);
    expect(await actions.drawnRows('sample')).toBeNull();
    expect(state().notices.at(-1)?.text).toBe('The rows were not written: 14 of 30 pass. Ask for fewer.');
  });
});

describe('a chosen answer rule', () => {
  it('is of one data set: kept when its files are read in another way, gone with the next', async () => {
    const { actions, data } = open();
    await actions.openData([file(ROWS)]);
    actions.chooseRule('text');
    await actions.changeReading({ format: 'columns' });
    expect(data().rule).toBe('text');
    expect(await actions.openData([{ name: 'x', data: new Blob(['']) }])).toBe(false);
    expect(data().rule).toBe('text');
    await actions.openData([file(ROWS.slice(1))]);
    expect(data().rule).toBeNull();
  });
});

describe('another data set', () => {
  it('keeps only what fits of the draft, and says so', async () => {
    const { actions, data, state } = open();
    await actions.openData([file(ROWS)]);
    actions.changeData({ samples: 4, steps: '2-', words: '1-' });
    await actions.openData([file(ROWS.slice(0, 2), 'two.json')]);
    // Their rows have 0 and 1 steps.
    expect(data().draft).toMatchObject({ samples: 2, steps: '', words: '1-' });
    expect(state().notices.map(({ text }) => text)).toEqual([
      'two.json has 2 rows: the sample is all of them.',
      'two.json has no row with at least 2 steps: that filter is cleared.',
    ]);
    expect(await actions.drawnRows('sample')).toHaveLength(2);
  });
});

describe('rows of the Hub', () => {
  it('are fetched on request and opened; a refusal is shown and leaves the open data set', async () => {
    const { actions, data } = open();
    const asked: string[] = [];
    let status = 200;
    vi.stubGlobal('fetch', async (url: string) => {
      asked.push(url);
      const rows = ROWS.map((row, i) => ({ row_idx: i, row, truncated_cells: [] }));
      return status === 200 ? Response.json({ rows, num_rows_total: 30 }) : new Response('', { status });
    });
    try {
      actions.changeHubRows({ dataset: 'org/own', rows: 30 });
      expect(asked).toEqual([]);
      expect(await actions.fetchHubRows()).toBe(true);
      expect(asked).toHaveLength(1);
      expect(data().report.value).toMatchObject({ name: 'org-own-main-train.jsonl', rows: 30 });
      expect(data().hub.arrived).toBe(0);
      status = 404;
      expect(await actions.fetchHubRows()).toBe(false);
      expect(data().hub.fetching).toMatchObject({ status: 'failed', error: { code: 'hub' } });
      expect(data().report.value?.rows).toBe(30);
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

describe('what was fetched', () => {
  it('is kept until it has been read: after a cancel or a failure of that it is not asked for again', async () => {
    const { actions, data, doubles } = open();
    const asked: string[] = [];
    vi.stubGlobal('fetch', async (url: string) => {
      asked.push(url);
      const rows = ROWS.map((row, i) => ({ row_idx: i, row, truncated_cells: [] }));
      return Response.json({ rows, num_rows_total: 30 });
    });
    try {
      await actions.openData([file(ROWS.slice(0, 1))]);
      const engine = doubles[0]!;
      const { openData } = engine;
      engine.openData = () => Promise.reject(engineError('memory', 'no room', 'Close other tabs.'));
      actions.changeHubRows({ dataset: 'org/own', rows: 30 });
      expect(await actions.fetchHubRows()).toBe(false);
      expect(data().hub.arrived).toBe(30);
      engine.openData = openData;
      expect(await actions.fetchHubRows()).toBe(true);
      expect(asked).toHaveLength(1);
      expect(data()).toMatchObject({ hub: { arrived: 0 }, report: { value: { rows: 30 } } });
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

describe('a file of a data set’s repository', () => {
  /** A host with one data set, which breaks off its first answer with a file after `cut` bytes. */
  function host(content: string, cut = Number.POSITIVE_INFINITY, reading = () => {}) {
    const bytes = new TextEncoder().encode(content);
    const asked: string[] = [];
    const answer = async (input: string, init: RequestInit) => {
      const from = Number(/\d+/.exec(new Headers(init.headers).get('range') ?? '')?.[0] ?? 0);
      asked.push(`${input}${from > 0 ? ` from ${from}` : ''}`);
      if (input.includes('/api/'))
        return Response.json({
          sha: 'c'.repeat(40),
          siblings: [
            { rfilename: 'train.txt', size: bytes.length },
            { rfilename: 'README.md', size: 5 },
          ],
        });
      if (asked.length > 2)
        return new Response(bytes.slice(from), {
          status: from > 0 ? 206 : 200,
          headers: { etag: '"1"', 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` },
        });
      let pulls = 0;
      const stream = new ReadableStream(
        {
          pull(controller) {
            if (pulls++ === 0) controller.enqueue(bytes.slice(0, cut));
            // The second time, what was sent has been read.
            else if (cut >= bytes.length) controller.close();
            else reading();
          },
          start(controller) {
            init.signal?.addEventListener('abort', () => controller.error(init.signal?.reason));
          },
        },
        { highWaterMark: 0 },
      );
      return new Response(stream, { headers: { etag: '"1"' } });
    };
    vi.stubGlobal('fetch', answer);
    return asked;
  }
  const LINES = 'Tom has 4 and 3?||<<4+3=7>> #### 7\nAnn has 1?||<<1+1=2>> #### 2\n';

  it('is asked of the mirror given in Model, agreed to, cancelled, resumed where it broke off, and opened', async () => {
    const { actions, data } = open();
    let cut = () => {};
    const isCut = new Promise<void>((resolve) => (cut = resolve));
    const asked = host(LINES, 20, cut);
    try {
      actions.typeMirror('https://hf.example');
      actions.typeDataFile({ repository: 'org/own', file: 'train.txt' });
      expect(await actions.lookUpData()).toBe(true);
      expect(asked).toEqual(['https://hf.example/api/datasets/org/own/revision/main?blobs=true']);
      expect(data().hub).toMatchObject({
        chosen: 'train.txt',
        offer: { value: { files: [{ size: LINES.length }] } },
      });
      const first = actions.downloadData();
      await isCut;
      actions.cancelDataDownload();
      expect(await first).toBe(false);
      expect(data().hub.download.status).toBe('idle');
      expect(data().report.value).toBeNull();
      expect(await actions.downloadData()).toBe(true);
      const file = `https://hf.example/datasets/org/own/resolve/${'c'.repeat(40)}/train.txt`;
      expect(asked.slice(1)).toEqual([file, `${file} from 20`]);
      expect(data().report.value).toMatchObject({ name: 'train.txt', format: 'icot', rows: 2 });
      expect(data().hub.offer.status).toBe('idle');
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('is not downloaded again where it could not be read', async () => {
    const { actions, data, doubles } = open();
    const asked = host(LINES);
    try {
      await actions.openData([file(ROWS)]);
      const engine = doubles[0]!;
      const { openData } = engine;
      engine.openData = () => Promise.reject(engineError('memory', 'no room', 'Close other tabs.'));
      actions.typeDataFile({ repository: 'org/own', file: 'train.txt' });
      await actions.lookUpData();
      expect(await actions.downloadData()).toBe(false);
      expect(data().hub.offer.status).toBe('done');
      const before = asked.length;
      engine.openData = openData;
      expect(await actions.downloadData()).toBe(true);
      expect(asked).toHaveLength(before);
      expect(data().report.value).toMatchObject({ name: 'train.txt', rows: 2 });
      expect(data().hub.offer.status).toBe('idle');
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('shows what is wrong, and leaves the open data set', async () => {
    const { actions, data } = open();
    host(LINES);
    try {
      await actions.openData([file(ROWS)]);
      actions.typeDataFile({ repository: 'org/own', file: 'test.txt' });
      expect(await actions.lookUpData()).toBe(false);
      expect(data().hub.offer).toMatchObject({
        status: 'failed',
        error: { code: 'input', message: 'org/own has no file "test.txt"; it has train.txt' },
      });
      actions.chooseHubPlace('mirror');
      expect(await actions.lookUpData()).toBe(false);
      expect(data().hub.offer).toMatchObject({ error: { message: '"" is not an address of a host' } });
      expect(data().report.value?.rows).toBe(30);
    } finally {
      vi.unstubAllGlobals();
    }
  });
});
