/**
 * Finds a Chromium for the browser and e2e tests, in this order: LORI_CHROMIUM or CHROME_PATH, an installed Chrome or
 * Chromium, Playwright's own. `installChromium` also tries Debian's apt, if it may.
 * Run as a program it prints the path: `node scripts/tools/find-chromium.mjs [--install]`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright';

const names = ['google-chrome', 'google-chrome-stable', 'chromium', 'chromium-browser'];

const macApplications = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

const helpText =
  'no Chromium found: install Google Chrome or Chromium (Debian: apt-get install chromium; elsewhere: npx playwright install chromium) or set LORI_CHROMIUM to its path';

/** Flags under which WebGPU runs headless on a machine without a GPU; the browser stays off the network otherwise. */
export const chromiumArgs = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Path of a Chromium, or undefined. Throws if the environment names one that is not there. */
export function findChromium(env = process.env) {
  for (const variable of ['LORI_CHROMIUM', 'CHROME_PATH']) {
    const path = env[variable];
    if (!path) continue;
    if (isExecutable(path)) return path;
    throw new Error(`${variable} is "${path}", which is not an executable file`);
  }
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    for (const name of names) {
      if (folder && isExecutable(join(folder, name))) return join(folder, name);
    }
  }
  for (const path of macApplications) {
    if (isExecutable(path)) return path;
  }
  const own = chromium.executablePath();
  return own && existsSync(own) ? own : undefined;
}

/** Path of a Chromium, installed with apt if there is none and this is Debian and we are root. Throws otherwise. */
export function installChromium(env = process.env) {
  const found = findChromium(env);
  if (found) return found;
  const mayInstall = process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).status === 0;
  if (!mayInstall) throw new Error(helpText);
  console.log('no Chromium found: installing Debian’s with apt-get');
  const options = { stdio: 'inherit', env: { ...env, DEBIAN_FRONTEND: 'noninteractive' } };
  try {
    execFileSync('apt-get', ['update', '-q'], options);
    execFileSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'chromium'], options);
  } catch (cause) {
    throw new Error(helpText, { cause });
  }
  const installed = findChromium(env);
  if (!installed) throw new Error(helpText);
  return installed;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    const path = process.argv.includes('--install') ? installChromium() : findChromium();
    if (!path) throw new Error(helpText);
    console.log(path);
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
