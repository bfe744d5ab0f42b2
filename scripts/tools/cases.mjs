/**
 * `npm run cases`: the cases from the field (../shared/cases/README.md) as this project's own tests. A test belongs to a case by its
 * title, or its group's: `case 05: …`. Runs exactly those, in Node, in Chromium and against the built page, and prints a line for
 * each case. Exit status 1 where a test fails, or where a case has no test that ran. `npm run cases -- 05 23` runs some.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildIfStale } from './build-if-stale.mjs';
import { root } from './folders.mjs';

const CASES = {
  '01': 'a Git LFS pointer, a saved web page',
  '02': 'a pad token beyond the embedding',
  '04': 'a tied or an untied head',
  '05': 'weights that config.json does not name',
  '06': 'where the RoPE base stands',
  '08': 'variants of tokenizers',
  10: 'a byte order mark, CRLF, NaN in JSON',
  13: 'plain http on a network',
  15: 'files gone after a new version was put on the host',
  16: '1,000 in a number field',
  17: 'words outside the vocabulary',
  20: 'other formats',
  23: 'CSV for other tools',
  24: 'odd values of config.json',
  26: 'accuracy after other numbers of latents',
  30: 'WebGPU of other browsers',
};
const known = Object.keys(CASES).sort();
const asked = process.argv.slice(2);
const unknown = asked.find((number) => !known.includes(number));
if (unknown) {
  console.error(`there is no case "${unknown}"; there are: ${known.join(', ')}`);
  process.exit(2);
}
const chosen = asked.length > 0 ? asked : known;
const TITLE = `case (${chosen.join('|')}):`;
const title = new RegExp(`\\b${TITLE}`);

const folder = mkdtempSync(join(tmpdir(), 'cases-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** Test files with a title of a case, so that no others are loaded. */
const filesIn = (where, ending) =>
  readdirSync(join(root, where), { recursive: true })
    .filter((name) => ending.test(name))
    .map((name) => `${where}/${name.replaceAll('\\', '/')}`)
    .filter((path) => title.test(readFileSync(join(root, path), 'utf8')));

const binary = (name) => join(root, 'node_modules/.bin', process.platform === 'win32' ? `${name}.cmd` : name);

/** Runs a test runner, and reads what it wrote to `report`. */
function reportOf(name, args, report, environment = {}) {
  const env = { ...process.env, ...environment };
  spawnSync(binary(name), args, { cwd: root, stdio: 'inherit', env, shell: process.platform === 'win32' });
  try {
    return JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    console.error(`${name} ended without a report`);
    return null;
  }
}

/** [whole title, 'passed' | 'failed' | 'skipped'] of each test; null if they could not be run */
function byVitest(project, files) {
  if (files.length === 0) return [];
  const report = join(folder, `${project}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const found = reportOf(
    'vitest',
    ['run', '--project', project, ...files, '-t', TITLE, ...reporters],
    report,
  );
  return found?.testResults.flatMap(({ name, status, assertionResults }) => [
    // A file that could not be loaded has no tests to fail.
    ...(status === 'failed' && assertionResults.length === 0 ? [[casesOf(name), 'failed']] : []),
    ...assertionResults.map(({ fullName, status: one }) => [
      fullName,
      one === 'passed' || one === 'failed' ? one : 'skipped',
    ]),
  ]);
}

/** The cases that a file names, as titles. */
const casesOf = (path) => readFileSync(path, 'utf8').match(new RegExp(TITLE, 'g'))?.join(' ') ?? path;

function byPlaywright(files) {
  if (files.length === 0) return [];
  buildIfStale();
  const report = join(folder, 'e2e.json');
  const found = reportOf('playwright', ['test', ...files, '-g', TITLE, '--reporter=list,json'], report, {
    PLAYWRIGHT_JSON_OUTPUT_NAME: report,
  });
  const specsOf = ({ specs = [], suites = [] }) => [...specs, ...suites.flatMap(specsOf)];
  return found && specsOf(found).map(({ title: one, ok }) => [one, ok ? 'passed' : 'failed']);
}

const inChromium = /\.browser\.test\.tsx?$/;
const units = ['src', 'scripts'].flatMap((where) => filesIn(where, /\.test\.tsx?$/));
const runs = [
  byVitest(
    'node',
    units.filter((path) => !inChromium.test(path)),
  ),
  byVitest(
    'browser',
    units.filter((path) => inChromium.test(path)),
  ),
  byPlaywright(filesIn('e2e', /\.spec\.ts$/)),
];
const tests = runs.flatMap((run) => run ?? []);

console.log('');
let isWrong = runs.includes(undefined) || runs.includes(null);
for (const number of chosen) {
  const own = tests.filter(([name]) => new RegExp(`\\bcase ${number}:`).test(name));
  const count = (status) => own.filter(([, one]) => one === status).length;
  const ok = count('failed') === 0 && count('passed') > 0;
  if (!ok) isWrong = true;
  const skipped = count('skipped') > 0 ? `, ${count('skipped')} skipped` : '';
  const figures = own.length === 0 ? 'no test' : `${count('passed')} of ${own.length} tests${skipped}`;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${number} ${CASES[number]}: ${figures}`);
}
process.exit(isWrong ? 1 : 0);
