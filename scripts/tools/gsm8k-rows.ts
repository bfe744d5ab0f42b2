/**
 * The 128 rows of GSM8K that come with the page: drawn by seed from the first rows of its train split, as the Data place
 * draws a sample, in the file's order, letter by letter as they stand there.
 *
 * From the project's folder: node scripts/tools/run-ts.mjs scripts/tools/gsm8k-rows.ts <train.jsonl> <its LICENSE>
 */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AS_DETECTED, BUNDLED_ROWS, NO_FILTER } from '../../src/contract/data';
import { readData } from '../../src/engine/data/sets/read';

const [file, licence] = process.argv.slice(2);
if (file === undefined || licence === undefined)
  throw new Error('usage: run-ts.mjs scripts/tools/gsm8k-rows.ts <train.jsonl> <LICENSE>');

const models = join(process.cwd(), 'models');
const content = await readFile(file);
const data = await readData([{ name: 'train.jsonl', data: new Blob([content]) }], AS_DETECTED);
const { format, malformed, duplicates } = data.report;
if (format !== 'gsm8k' || malformed + duplicates > 0)
  throw new Error(
    `${file}: ${format}, ${malformed} malformed rows, ${duplicates} duplicates; GSM8K without any is expected`,
  );
const { seed, rows } = BUNDLED_ROWS;
const { indices } = data.select('sample', NO_FILTER, { seed, samples: rows, heldOut: 0 });
const lines = content.toString('utf8').split('\n');
const chosen = [...indices].sort((a, b) => a - b).map((i) => lines[(data.rows[i]?.line ?? 0) - 1] as string);
const path = join(models, BUNDLED_ROWS.path);
await mkdir(dirname(path), { recursive: true });
await writeFile(path, `${chosen.join('\n')}\n`);
await copyFile(licence, join(models, BUNDLED_ROWS.licencePath));
