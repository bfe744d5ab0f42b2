import { afterEach, describe, expect, it, vi } from 'vitest';
import { type DoubleOptions, engineError } from '../workbench.testing';
import { formatLink } from './link';
import { openApp } from './open-app.testing';

function open(options: DoubleOptions & { hash?: string } = {}) {
  const app = openApp(options);
  return { ...app, data: () => app.state().data, address: () => formatLink(app.state().link) };
}

const ROWS = Array.from({ length: 30 }, (_, i) => ({
  question: `Question ${i}?`,
  steps: Array.from({ length: i % 4 }, (_, n) => `<<${n}+1=${n + 1}>>`),
  answer: `${i}`,
}));
const file = (rows: readonly object[]) => ({ name: 'rows.json', data: new Blob([JSON.stringify(rows)]) });

/** A dataset viewer with these rows of every split. @returns what it was asked for */
function viewer(rows: readonly object[]): string[] {
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (url: string) => {
    asked.push(url);
    const found = rows.map((row, i) => ({ row_idx: i, row, truncated_cells: [] }));
    return Response.json({ rows: found, num_rows_total: rows.length });
  });
  return asked;
}
afterEach(() => vi.unstubAllGlobals());

describe('a link to bundled rows', () => {
  const hash = '#/data?data-set=bundled&data-rule=text&data-sample=4&data-seed=9';

  it('shows them directly, drawn and marked as it says', async () => {
    const { actions, data, state, address } = open({ hash });
    await actions.start(false);
    await vi.waitFor(() => expect(data().page.value?.total).toBe(128));
    expect(data()).toMatchObject({ rule: 'text', draft: { samples: 4, seed: 9 }, asked: null });
    expect(state().linkProblems).toEqual([]);
    expect(address()).toBe(hash);
  });

  it('carries the limit of answers, which stays out while it is half typed', async () => {
    const { actions, data, address } = open({ hash: '#/data?data-set=bundled&data-limit=64' });
    await actions.start(false);
    await vi.waitFor(() => expect(data().page.value?.total).toBe(128));
    expect(data().answers.limit).toBe(64);
    actions.changeAnswers({ limit: 32 });
    expect(address()).toBe('#/data?data-set=bundled&data-limit=32');
    actions.changeAnswers({ limit: Number.NaN });
    expect(address()).toBe('#/data?data-set=bundled');
    actions.followLink('#/data?data-set=bundled&data-limit=16');
    expect(data().answers).toMatchObject({ limit: 16, rows: [], task: { status: 'idle' } });
  });

  it('shows them in a page that is open, and what is absent is the default', async () => {
    const { actions, data, address } = open({ hash: '#/data' });
    await actions.openBundledRows();
    expect(address()).toBe('#/data?data-set=bundled');
    actions.chooseRule('coconut');
    actions.changeData({ samples: 3 });
    expect(address()).toBe('#/data?data-set=bundled&data-rule=coconut&data-sample=3');
    actions.followLink('#/data?data-set=bundled&data-annotations=remove');
    await vi.waitFor(() => expect(data().reading.annotations).toBe('remove'));
    expect(data()).toMatchObject({ rule: null, draft: { samples: 16 } });
    // Going elsewhere and back leads to the same.
    actions.followLink('#/data?data-set=bundled');
    await vi.waitFor(() => expect(data().reading.annotations).toBe('keep'));
  });

  it('draws no more rows than the open set has, and says so', async () => {
    const { actions, data, state } = open({ hash: '#/data' });
    await actions.openBundledRows();
    actions.followLink('#/data?data-set=bundled&data-sample=1000');
    await vi.waitFor(() => expect(data().draft.samples).toBe(128));
    expect(state().notices.at(-1)?.text).toContain('has 128 rows: the sample is all of them.');
  });

  it('keeps the filter on tokens, which is refused until they are counted', async () => {
    const { actions, data } = open({ hash: '#/data?data-set=bundled&data-tokens=-256' });
    await actions.start(false);
    await vi.waitFor(() => expect(data().page.status).toBe('failed'));
    expect(data()).toMatchObject({
      draft: { tokens: '-256' },
      page: { error: { message: expect.stringMatching(/tokens, which have not been counted/) } },
    });
    await actions.countTokens();
    expect(data().page.value?.passing).toBe(96);
  });

  it('is followed again by the button where they could not be read', async () => {
    const { actions, data, doubles, address } = open({ hash });
    await actions.openDevice('wasm');
    const { openData } = doubles[0]!;
    doubles[0]!.openData = () => Promise.reject(engineError('file', 'no such file', 'Reload.'));
    await actions.start(false);
    await vi.waitFor(() => expect(data().report.status).toBe('failed'));
    expect(address()).toBe(hash);
    doubles[0]!.openData = openData;
    expect(await actions.openBundledRows()).toBe(true);
    expect(data()).toMatchObject({ rule: 'text', asked: null });
  });
});

describe('a link to a set of the Hub', () => {
  const hash =
    '#/data?data-set=org/own&data-config=a&data-split=test&data-rows=30&data-format=coconut&data-rule=text&data-steps=2-';

  it('asks for nothing until it is told to, and keeps naming the set', async () => {
    const asked = viewer(ROWS);
    const { actions, data, address } = open({ hash });
    await actions.start(false);
    expect(asked).toEqual([]);
    expect(data()).toMatchObject({
      report: { status: 'idle' },
      hub: { place: 'hub', way: 'rows', rows: { dataset: 'org/own', config: 'a', split: 'test', rows: 30 } },
    });
    expect(address()).toBe(hash);
    expect(await actions.fetchHubRows()).toBe(true);
    expect(asked).toHaveLength(1);
    expect(data()).toMatchObject({
      ...{ asked: null, rule: 'text', reading: { format: 'coconut' } },
      page: { value: { passing: 14 } },
    });
    // What came is named by its hash from now on.
    const sha256 = data().report.value!.sha256.slice(0, 16);
    expect(address()).toBe(hash.replace('&data-format', `&data-sha256=${sha256}&data-format`));
  });

  it('says so where other rows come than those that it was made of', async () => {
    viewer(ROWS);
    const { actions, state } = open({ hash: `${hash}&data-sha256=${'0'.repeat(16)}` });
    await actions.fetchHubRows();
    expect(state().notices.map(({ text }) => text)).toEqual([
      expect.stringMatching(/org-own-a-test\.jsonl is not what the link was made of: its SHA-256 is another/),
    ]);
  });

  it('does not take other rows of the set for it', async () => {
    const asked = viewer(ROWS);
    const { actions, data } = open({ hash });
    await actions.fetchHubRows();
    actions.followLink(hash.replace('data-rows=30', 'data-rows=20'));
    expect(data().asked).toMatchObject({ origin: { rows: 20 } });
    actions.followLink(hash.replace('data-rule=text', 'data-rule=letter'));
    expect(data()).toMatchObject({ asked: null, rule: 'letter' });
    expect(asked).toHaveLength(1);
  });

  it('leaves what is open until the set has come, and is dropped when something else is opened', async () => {
    const { actions, data, address } = open({ hash: '#/data' });
    await actions.openBundledRows();
    actions.chooseRule('coconut');
    actions.followLink(hash);
    expect(data()).toMatchObject({ rule: 'coconut', report: { value: { rows: 128 } } });
    expect(address()).toBe(hash);
    actions.declineAsked();
    expect(address()).toBe('#/data?data-set=bundled&data-rule=coconut&data-steps=2-');
    actions.followLink(hash);
    await actions.openData([file(ROWS)]);
    expect(data()).toMatchObject({ asked: null, rule: null, reading: { format: null } });
    expect(address()).toBe('#/data?data-steps=2-');
  });

  it('fills in the form of a file, whose answer names the commit', async () => {
    const asked: string[] = [];
    vi.stubGlobal('fetch', async (url: string) => {
      asked.push(url);
      const lines = 'Tom has 4 and 3?||<<4+3=7>> #### 7\n';
      if (!url.includes('/api/')) return new Response(lines, { headers: { etag: '"1"' } });
      const siblings = [{ rfilename: 'train.txt', size: lines.length }];
      return Response.json({ sha: 'c'.repeat(40), siblings });
    });
    const { actions, data, address } = open({ hash: '#/data' });
    actions.followLink('#/data?data-set=org/own&data-file=train.txt&data-rule=text&data-sample=1');
    expect(asked).toEqual([]);
    expect(data().hub).toMatchObject({ way: 'file', repository: 'org/own', file: 'train.txt' });
    await actions.lookUpData();
    expect(await actions.downloadData()).toBe(true);
    expect(address()).toBe(
      `#/data?data-set=org/own@${'c'.repeat(40)}&data-file=train.txt&data-rule=text&data-sample=1`,
    );
  });
});

describe('a link without a set', () => {
  it('applies to the files that are opened next, and no others', async () => {
    const { actions, data } = open({
      hash: '#/data?data-format=columns&data-question=frage&data-answer=antwort&data-rule=text',
    });
    const own = { name: 'own.csv', data: new Blob(['frage,antwort\nWie viele?,4\n']) };
    await actions.openData([own]);
    expect(data()).toMatchObject({ rule: 'text', report: { value: { mapping: { question: 'frage' } } } });
    await actions.openData([file(ROWS)]);
    expect(data()).toMatchObject({ rule: null, reading: { format: null, columns: null } });
  });
});

describe('a filter on tokens from a link', () => {
  it('is counted for by the press that needs it', async () => {
    const { actions, data, state } = open({ hash: '#/data?data-set=bundled&data-tokens=-200' });
    await actions.openCheckpoint([{ name: 'config.json', data: new Blob(['{}']) }]);
    await actions.openAsked();
    expect(await actions.showRowsFigure()).toBe(true);
    expect(data()).toMatchObject({ draft: { tokens: '-200' }, counts: { status: 'done' } });
    expect(state().lens.report.value?.request.source).toMatchObject({ filter: { tokens: [null, 200] } });
  });
});

describe('settings of the data set', () => {
  it('are taken back and made again step by step, also in what is shown and in the address', async () => {
    const { actions, data, address } = open({ hash: '#/data?data-sample=9' });
    await actions.openData([file(ROWS)]);
    expect(data().past).toEqual([]);
    for (const steps of ['2', '2-']) actions.changeData({ steps });
    actions.chooseRule('text');
    actions.changeData({ part: 'sample' });
    actions.changeData({ samples: 5 });
    expect(data().past).toHaveLength(3);
    expect(await actions.undoData()).toBe(true);
    expect(await actions.undoData()).toBe(true);
    expect(data()).toMatchObject({ rule: null, draft: { samples: 9, steps: '2-', part: 'sample' } });
    await actions.undoData();
    expect(data().page.value?.passing).toBe(30);
    expect(address()).toBe('#/data?data-part=sample&data-sample=9');
    expect(await actions.undoData()).toBe(false);
    await actions.redoData();
    await actions.redoData();
    expect(data()).toMatchObject({ rule: 'text', page: { value: { passing: 14 } } });
    expect(address()).toBe('#/data?data-rule=text&data-part=sample&data-sample=9&data-steps=2-');
  });

  it('include how the files are read, which are read again for it', async () => {
    const { actions, data } = open();
    await actions.openData([file([{ frage: 'Wie viele?', antwort: '4' }])]);
    await actions.changeReading({ format: 'columns', columns: { question: 'frage', answer: 'antwort' } });
    await actions.changeReading({ columns: { question: 'antwort', answer: 'frage' } });
    expect(data().page.value?.rows[0]?.question).toBe('4');
    expect(await actions.undoData()).toBe(true);
    expect(data().page.value?.rows[0]?.question).toBe('Wie viele?');
    expect(await actions.undoData()).toBe(true);
    expect(data()).toMatchObject({
      reading: { format: null, columns: null },
      report: { value: { rows: 0 } },
    });
    await actions.redoData();
    expect(data().report.value?.mapping).toMatchObject({ question: 'frage' });
  });

  it('stay as they are where the files cannot be read again', async () => {
    const { actions, data, doubles } = open();
    await actions.openData([file(ROWS)]);
    await actions.changeReading({ annotations: 'remove' });
    doubles[0]!.openData = () => Promise.reject(engineError('memory', 'no room', 'Close other tabs.'));
    expect(await actions.undoData()).toBe(false);
    expect(data()).toMatchObject({
      reading: { annotations: 'remove' },
      past: [expect.anything()],
      report: { status: 'failed', value: { rows: 30 } },
    });
  });

  it('of another set, or of a link, begin a history of their own', async () => {
    const { actions, data } = open({ hash: '#/data' });
    await actions.openData([file(ROWS)]);
    actions.changeData({ seed: 2 });
    await actions.openData([file(ROWS.slice(1))]);
    expect(data().past).toEqual([]);
    actions.changeData({ seed: 3 });
    actions.followLink('#/data?data-seed=4');
    expect(data()).toMatchObject({ past: [], future: [], draft: { seed: 4 } });
  });

  it('on tokens are cleared, and that is said, when the files are read in another way', async () => {
    const { actions, data, state } = open();
    await actions.openBundledRows();
    await actions.countTokens();
    actions.changeData({ tokens: '-256' });
    await actions.changeReading({ annotations: 'remove' });
    expect(data().draft.tokens).toBe('');
    const said = /are not counted: the filter on them is cleared/;
    expect(state().notices.at(-1)?.text).toMatch(said);
    actions.dismiss(state().notices.at(-1)!.id);
    // Neither does taking that back bring the counts.
    expect(await actions.undoData()).toBe(true);
    expect(data()).toMatchObject({ reading: { annotations: 'keep' }, draft: { tokens: '' } });
    expect(state().notices.at(-1)?.text).toMatch(said);
    expect(data().page.status).toBe('done');
  });
});
