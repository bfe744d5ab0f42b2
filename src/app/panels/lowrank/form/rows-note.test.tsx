import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import { openApp } from '../../../store/open-app.testing';
import { AppProvider } from '../../../store/use-app';
import { ExportGroup } from './ExportGroup';
import { RowsNote } from './RowsNote';

type App = ReturnType<typeof openApp>;

/** Rendered without a window, where the store's hook reads the state that the page began with. */
function markup({ store, actions }: App, form: React.ReactNode): string {
  const now = { ...store, getInitialState: store.getState };
  return renderToStaticMarkup(<AppProvider value={{ store: now, actions }}>{form}</AppProvider>);
}
const said = (app: App) =>
  markup(app, <RowsNote />)
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');

it('names the set that a link asks for, and where it is to be had', () => {
  const text = said(openApp({ hash: '#/lowrank?source=rows&data-set=org/own@v1&data-file=a/b.txt' }));
  expect(text).toContain('The link asks for a/b.txt of org/own@v1 from huggingface.co.');
  expect(text).toContain('nothing has been fetched: Data has the form filled in.');
  expect(said(openApp({ hash: '#/lowrank?source=rows' }))).toContain(
    'files of one’s own, and sets of a mirror, are in no link',
  );
});

it('says that its rows are the first of a larger sample of Data', async () => {
  const app = openApp({ hash: '#/lowrank?source=rows&samples=16' });
  const { actions } = app;
  await actions.openBundledRows();
  actions.changeData({ samples: 100 });
  expect(said(app)).toContain('The first 16 of the 100 rows sampled in Data.');
  // That many the set does not have: Data refuses it.
  actions.changeData({ samples: 1000 });
  expect(said(app)).not.toContain('sampled in Data');
  actions.changeData({ samples: 100, seed: 2 });
  expect(said(app)).not.toContain('sampled in Data');
});

it('keeps the layers of a file as typed', () => {
  const app = openApp({ hash: '#/lowrank?file-layers=0,2-3' });
  const typed = () => /Layers of the file.*?value="([^"]*)"/s.exec(markup(app, <ExportGroup />))?.[1];
  expect(typed()).toBe('0, 2-3');
  app.actions.changeLens({ fileLayers: '1-' });
  expect(typed()).toBe('1-');
  app.actions.undoLens();
  expect(typed()).toBe('0, 2-3');
});
