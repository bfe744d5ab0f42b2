import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { METHODS } from './index';

/**
 * Method names are written in the data of the methods and nowhere else in page, lab and contract: a page that asked for one
 * by name would not know the next one. Tests may name what they test.
 */
it('no file of page, lab or contract names a method, outside contract/methods', () => {
  const root = resolve(import.meta.dirname, '../..');
  const files = ['app', 'lab', 'contract', 'storage', 'worker']
    .flatMap((folder) =>
      readdirSync(resolve(root, folder), { recursive: true }).map((file) => `${folder}/${file}`),
    )
    .filter(
      (file) =>
        /\.tsx?$/.test(file) &&
        !file.startsWith('contract/methods/') &&
        // A rule for reading answers has the name of the code it comes from, which is that of a method too.
        !['contract/answer-rules.ts', 'contract/data.ts'].includes(file) &&
        !/\.(test|testing)\.tsx?$/.test(file),
    );
  expect(files.length).toBeGreaterThan(100);
  const ids = METHODS.flatMap(({ id, presets }) => [
    id,
    ...presets.flatMap((preset) => [preset.id, ...('formerly' in preset ? (preset.formerly ?? []) : [])]),
  ]);
  const named = new RegExp(`['"\`](${ids.join('|')})['"\`]`);
  expect(files.filter((file) => named.test(readFileSync(resolve(root, file), 'utf8')))).toEqual([]);
});
