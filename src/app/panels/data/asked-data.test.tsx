import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import { openApp } from '../../store/open-app.testing';
import { AppProvider } from '../../store/use-app';
import { OpenDataCard } from './OpenDataCard';

/** What the card says in a page that was opened by this link. */
const said = (hash: string): string =>
  renderToStaticMarkup(
    <AppProvider value={openApp({ hash })}>
      <OpenDataCard />
    </AppProvider>,
  ).replaceAll(/<[^>]*>/g, ' ');

it('names the set that a link asks for, and that nothing has been fetched', () => {
  expect(said('#/data?data-set=org/own&data-config=a&data-split=test&data-rows=20')).toMatch(
    /The link asks for the first 20 rows of org\/own \(a, test\) from huggingface\.co\. That is not here yet, and nothing has been fetched: fetch the rows below/,
  );
  expect(said('#/data?data-set=org/own@v1&data-file=a/b.txt')).toMatch(
    /The link asks for a\/b\.txt of org\/own@v1 from huggingface\.co\..* look it up below/,
  );
});

it('says why a link with settings shows no rows', () => {
  expect(said('#/data?data-seed=3')).toContain('The link names no data set');
  for (const hash of ['#/data', '#/data?data-set=bundled'])
    expect(said(hash)).not.toMatch(/The link (names|asks)/);
});
