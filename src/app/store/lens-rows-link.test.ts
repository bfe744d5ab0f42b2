import { afterEach, describe, expect, it, vi } from 'vitest';
import { openApp } from './open-app.testing';
import { hashOf } from './run-place';

function open(hash: string) {
  const app = openApp({ hash });
  return { ...app, data: () => app.state().data, address: () => hashOf(app.state()) };
}

const BUNDLED = '#/lowrank?source=rows&samples=4&data-set=bundled';
const HUB =
  '#/lowrank?source=rows&row-steps=2-&data-set=org/own&data-config=a&data-split=test&data-rows=30&data-annotations=remove';

afterEach(() => vi.unstubAllGlobals());

describe('a link of Low-rank to rows', () => {
  it('names their set, as long as rows are the source', async () => {
    const { actions, address } = open('#/lowrank');
    await actions.openBundledRows();
    actions.changeData({ seed: 7 });
    actions.chooseRule('text');
    expect(address()).toBe('#/lowrank');
    actions.changeLens({ source: 'rows', samples: 4 });
    // Neither Data's draw nor its rule has a part in the figure.
    expect(address()).toBe(BUNDLED);
    await actions.changeReading({ annotations: 'remove' });
    expect(address()).toBe(`${BUNDLED}&data-annotations=remove`);
    actions.undoLens();
    expect(address()).toBe('#/lowrank');
  });

  it('opens the bundled ones, with the draw of Data as it is', async () => {
    const { actions, data, state, address } = open(BUNDLED);
    await actions.start(false);
    await vi.waitFor(() => expect(data().report.value?.rows).toBe(128));
    expect(state().lens.draft).toMatchObject({ source: 'rows', samples: 4 });
    expect([data().draft.samples, data().asked, address()]).toEqual([16, null, BUNDLED]);
  });

  it('names a set of the Hub until it is here, and fetches nothing', async () => {
    const fetched = vi.fn();
    vi.stubGlobal('fetch', fetched);
    const { actions, data, address } = open(HUB);
    await actions.start(false);
    expect(fetched).not.toHaveBeenCalled();
    expect(data()).toMatchObject({
      report: { status: 'idle' },
      hub: { way: 'rows', rows: { dataset: 'org/own', config: 'a', split: 'test', rows: 30 } },
    });
    expect(address()).toBe(HUB);
    actions.goTo('data');
    expect(address()).toContain('data-set=org/own');
  });

  it('is followed in a page that is open: the same set stays as it is drawn and marked, another is asked for', async () => {
    const { actions, data, address } = open('#/data');
    await actions.openBundledRows();
    actions.changeData({ samples: 3 });
    actions.chooseRule('text');
    actions.followLink(BUNDLED);
    expect(data()).toMatchObject({ draft: { samples: 3 }, rule: 'text', asked: null });
    actions.followLink(HUB);
    await vi.waitFor(() => expect(data().asked?.origin).toMatchObject({ dataset: 'org/own' }));
    expect(data()).toMatchObject({ draft: { samples: 3 }, report: { value: { rows: 128 } } });
    expect(address()).toBe(HUB);
    actions.goTo('data');
    expect(address()).toMatch(/^#\/data\?data-set=org\/own&.*&data-sample=3$/);
  });

  it('says so where it names no set, and another is open than it can mean', async () => {
    const { actions, state } = open('#/data');
    await actions.openBundledRows();
    actions.followLink('#/lowrank?source=rows');
    await vi.waitFor(() =>
      expect(state().notices.map(({ text }) => text)).toEqual([
        expect.stringMatching(/^The link names no data set, because its rows are of files of one’s own/),
      ]),
    );
  });

  it('is followed apart from what is wrong with the set', () => {
    const { state } = open('#/lowrank?source=rows&samples=9&data-set=../x');
    expect(state().lens.draft).toMatchObject({ source: 'rows', samples: 9 });
    expect(state().linkProblems).toEqual([expect.stringMatching(/^the data set: /)]);
  });
});
