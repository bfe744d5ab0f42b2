/**
 * `npm test`: every check in order, each with its name and seconds, stopping at the first that fails.
 * `npm test -- lint unit` runs only the stages named.
 */
import { spawn } from 'node:child_process';
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

function runScript(script) {
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  return new Promise((resolve, reject) => {
    const child = spawn(npm, ['run', '--silent', script], { stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`npm run ${script} ended with ${signal ?? `code ${code}`}`)),
    );
  });
}

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !stages.some(([stage]) => stage === name));
if (unknown) {
  console.error(`unknown stage "${unknown}"; there are: ${stages.map(([name]) => name).join(', ')}`);
  process.exit(2);
}
const needsBrowser = asked.includes('browser') || asked.includes('e2e');
const chosen = stages.filter(
  ([name]) => asked.length === 0 || asked.includes(name) || (name === 'chromium' && needsBrowser),
);

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
  console.error(failure.message);
  process.exit(1);
}
