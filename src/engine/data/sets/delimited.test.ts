import { expect, it, vi } from 'vitest';
import { AS_DETECTED } from '../../../contract/data';
import { readData } from './read';

vi.mock('papaparse', () => {
  throw new TypeError('Failed to fetch dynamically imported module');
});

const read = (content: string) =>
  readData([{ name: 'rows', data: new Blob([content]) }], AS_DETECTED).then(({ rows }) => rows.length);

it('without the library a CSV file is refused with what to do, and JSON lines are read as ever', async () => {
  await expect(read('question,answer\nHow many?,4\n')).rejects.toMatchObject({
    code: 'load',
    message: 'the reader of CSV and TSV could not be fetched',
    hint: expect.stringContaining('connection'),
  });
  expect(await read('{"question":"How many?","answer":"4"}\n')).toBe(1);
});
