import { renderToStaticMarkup } from 'react-dom/server';
import { beforeAll, expect, it } from 'vitest';
import { NO_FILTER } from '../../../contract/data';
import type { GenerateReport } from '../../../contract/generate';
import type { LensRequest } from '../../../contract/lens';
import { dataErrors, rationaleWords } from '../../store/data';
import { rowsToJsonl } from '../../store/data-export';
import { openApp } from '../../store/open-app.testing';
import { hashOf } from '../../store/run-place';
import { AppProvider } from '../../store/use-app';
import { engineError } from '../../workbench.testing';
import { RowsFigure } from './RowsFigure';

/** A sample as large as LoRi's figure 5 has it, of which Low-rank takes the first 128. */
const ROWS = Array.from({ length: 1100 }, (_, i) => ({
  question: `Question ${i}?`,
  answer: `${i} + 1 = <<${i}+1=${i + 1}>>${i + 1}\n#### ${i + 1}`,
}));
const files = (text: string) => [{ name: 'rows.jsonl', data: new Blob([text]) }];

let app: ReturnType<typeof openApp>;
const data = () => app.state().data;

beforeAll(async () => {
  app = openApp({ hash: '#/data' });
  await app.actions.loadPair();
  await app.actions.openCheckpoint([{ name: 'config.json', data: new Blob() }]);
  await app.actions.openData(files(ROWS.map((row) => JSON.stringify(row)).join('\n')));
  app.actions.changeData({ samples: 1024 });
});

it('is drawn, stands in the link, and is written to a file from which it is read again', async () => {
  expect(hashOf(app.state())).toBe('#/data?data-sample=1024');
  const drawn = await app.actions.drawnRows('sample');
  expect(new Set(drawn?.map(({ id }) => id)).size).toBe(1024);
  const again = openApp();
  await again.actions.openData(files(rowsToJsonl(drawn ?? [], data().report.value!)));
  expect(again.state().data.report.value?.rows).toBe(1024);
});

it('is more than figure 6 is made of: what it costs, and what it shows, are the first 128, and it says so', async () => {
  await app.actions.prepareRows();
  expect(data().cost.value?.rows).toBe(128);
  expect(rationaleWords(data().draft, 'GSM8K')).toBe('the first 128 of 1024 GSM8K rationales');
  const now = { ...app.store, getInitialState: app.store.getState };
  const text = renderToStaticMarkup(
    <AppProvider value={{ store: now, actions: app.actions }}>
      <RowsFigure />
    </AppProvider>,
  ).replaceAll(/<[^>]*>/g, '');
  expect(text).toContain('The first 128 of the 1,024 sampled rows of rows.jsonl, drawn with seed 1');
  expect(text).toContain('Low-rank decomposes no more at a time.');
  expect(text).toContain('Figure 6 of the first 128 of 1024 GSM8K rationales');
  const asked: LensRequest[] = [];
  app.doubles[0]!.lens = async (request) => {
    asked.push(request);
    throw engineError('cancelled', 'what it asks for is all that counts here');
  };
  await app.actions.showRowsFigure();
  expect(app.state().lens.draft).toMatchObject({ source: 'rows', samples: 128, drawSeed: 1 });
  expect(asked.map(({ source }) => source)).toEqual([
    { kind: 'rows', seed: 1, samples: 128, filter: NO_FILTER },
  ]);
});

it('begins with the rows that a sample of 128 has', async () => {
  const large = await app.actions.drawnRows('sample');
  app.actions.changeData({ samples: 128 });
  const small = await app.actions.drawnRows('sample');
  expect(large?.slice(0, 128)).toEqual(small);
  app.actions.changeData({ samples: 1024 });
});

it('is answered whole', async () => {
  app.doubles[0]!.generate = async () =>
    ({ samples: [{ text: ' 1', ending: 'stop' }], model: 'm' }) as unknown as GenerateReport;
  expect(await app.actions.answerRows()).toBe(true);
  expect(data().answers.rows).toHaveLength(1024);
});

it('is not larger than that: the field says what may be chosen', () => {
  app.actions.changeData({ samples: 1025 });
  expect(dataErrors(data().draft).get('samples')).toBe('Choose a whole number from 1 to 1024.');
  expect(app.state().link.data).toEqual({});
});
