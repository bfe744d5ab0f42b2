/**
 * `npm test`: the checks in order, each with its name and seconds, stopping at the first that fails. Browser and end-to-end tests
 * that take long (`*.slow.browser.test.ts`, `@slow`) are stages of their own, which `npm run test:all` runs too.
 * `npm test -- lint unit` runs only the stages named.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installChromium } from './find-chromium.mjs';

/** [name, npm script or function] */
const stages = [
  ['lint', 'lint'],
  ['types', 'types'],
  ['unit', 'test:unit'],
  ['chromium', () => console.log(installChromium())],
  ['browser', 'test:browser'],
  ['build', 'build'],
  ['e2e', 'test:e2e'],
];
const slow = [
  ['browser-slow', 'test:browser-slow'],
  ['e2e-slow', 'test:e2e-slow'],
];

function runScript(script) {
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  return new Promise((resolve, reject) => {
    const child = spawn(npm, ['run', '--silent', script], {
      stdio: 'inherit',
      env: { ...process.env, LORI_FAILURES: failures },
    });
    child.on('error', reject);
    child.on('exit', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`npm run ${script} ended with ${signal ?? `code ${code}`}`)),
    );
  });
}

const given = process.argv.slice(2);
const every = [...stages, ...slow];
const unknown = given.find((name) => name !== 'all' && !every.some(([stage]) => stage === name));
if (unknown) {
  console.error(`unknown stage "${unknown}"; there are: ${every.map(([name]) => name).join(', ')}, all`);
  process.exit(2);
}
const asked = given.includes('all')
  ? every.map(([name]) => name)
  : given.length === 0
    ? stages.map(([name]) => name)
    : given;
const needed = { chromium: /^(browser|e2e)/, build: /^e2e/ };
const chosen = every.filter(
  ([name]) => asked.includes(name) || asked.some((other) => needed[name]?.test(other)),
);
// Vitest's failures, said again at the end: a log that is cut keeps its end.
const failures = join(mkdtempSync(join(tmpdir(), 'lori-test-')), 'failures.txt');

const summary = [];
let failure;
for (const [name, work] of chosen) {
  console.log(`\n== ${name}`);
  const start = performance.now();
  try {
    await (typeof work === 'string' ? runScript(work) : work());
  } catch (error) {
    failure = error;
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  summary.push(`${failure ? 'FAILED' : 'passed'}  ${name.padEnd(9)} ${seconds.padStart(6)} s`);
  console.log(`== ${name}: ${failure ? 'failed' : 'passed'} in ${seconds} s`);
  if (failure) break;
}

const left = chosen.slice(summary.length).map(([name]) => name);
console.log(`\n${summary.join('\n')}${left.length > 0 ? `\nnot run  ${left.join(', ')}` : ''}`);
if (failure) {
  if (existsSync(failures)) console.error(readFileSync(failures, 'utf8'));
  console.error(failure.message);
  process.exit(1);
}
