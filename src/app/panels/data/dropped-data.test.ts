import type { DropItem } from 'react-aria-components';
import { expect, it } from 'vitest';
import { droppedFile as file, droppedFolder as folder } from '../shared/dropped.testing';
import { dataOfDrop } from './dropped-data';

const text = { kind: 'text', types: new Set(['text/plain']), getText: async () => 'x' } as DropItem;

const dropped = async (...items: DropItem[]) => {
  const { files, note } = await dataOfDrop(items);
  return [files.map(({ name }) => name), note] as const;
};

it('takes files of any name', async () => {
  expect(await dropped(file('rows'), file('more.jsonl'))).toEqual([['rows', 'more.jsonl'], null]);
});

it('takes the files of rows in a folder, and names what it leaves', async () => {
  const [names, note] = await dropped(
    folder('set', [file('a.jsonl'), file('README.md'), folder('inner', [file('b.csv')]), file('b.CSV')]),
  );
  expect(names).toEqual(['a.jsonl', 'b.CSV']);
  expect(note).toMatch(/^Not read: README\.md, inner\. Of a folder, /);
});

it('says so where there is nothing to read', async () => {
  expect(await dropped(folder('empty', []))).toEqual([[], expect.stringMatching(/^Nothing was read/)]);
  expect(await dropped(text)).toEqual([[], expect.stringMatching(/^Not read: a text/)]);
  expect((await dropped(folder('set', [file('a.parquet')])))[1]).toMatch(/^Not read: a\.parquet\./);
});
