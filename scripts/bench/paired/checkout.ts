import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';

/** An earlier commit in a folder of its own, with its packages; it is removed when the process ends. */
export function checkOut(commit: string): string {
  const folder = mkdtempSync(join(tmpdir(), `lori-${commit.slice(0, 7)}-`));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const archive = join(folder, 'commit.tar');
  execFileSync('git', ['archive', '--output', archive, commit], { stdio: 'inherit' });
  execFileSync('tar', ['-xf', archive, '-C', folder], { stdio: 'inherit' });
  rmSync(archive);
  const lock = 'package-lock.json';
  if (readFileSync(lock).equals(readFileSync(join(folder, lock))))
    symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  else {
    console.log(`packages of ${commit}, whose package-lock.json is another …`);
    execFileSync('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--ignore-scripts', '--silent'], {
      cwd: folder,
      stdio: 'inherit',
    });
  }
  return folder;
}

/**
 * The headless lab as one program, as `npm run lab` makes it at every call: that takes longer the more code there is, and is no part
 * of what is timed. @returns the program, which is removed when the process ends
 */
export async function buildLab(checkout: string): Promise<string> {
  // Where packages resolve as usual.
  const cache = join(checkout, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const outDir = mkdtempSync(join(cache, 'paired-'));
  process.on('exit', () => rmSync(outDir, { recursive: true, force: true }));
  await build({
    ...{ root: checkout, configFile: false, logLevel: 'warn' },
    define: { 'import.meta.main': 'true' },
    build: {
      ...{ ssr: join(checkout, 'src/lab/main.ts'), outDir, target: 'node20', minify: false },
      copyPublicDir: false,
      rolldownOptions: { output: { entryFileNames: 'lab.mjs', chunkFileNames: '[name]-[hash].mjs' } },
    },
  });
  return join(outDir, 'lab.mjs');
}

/** The page as it is shipped, with these models. @returns its folder */
export function buildPage(checkout: string, models: string, name: string): string {
  const out = mkdtempSync(join(tmpdir(), `lori-page-${name}-`));
  process.on('exit', () => rmSync(out, { recursive: true, force: true }));
  execFileSync('npx', ['vite', 'build', '--outDir', out, '--emptyOutDir', '--logLevel', 'warn'], {
    cwd: checkout,
    stdio: 'inherit',
  });
  const served = join(out, 'models');
  if (!existsSync(served)) throw new Error(`a build of ${name} has no models`);
  rmSync(served, { recursive: true });
  cpSync(models, served, { recursive: true });
  return out;
}

/** What a manifest's fields are called now, by what they were called. */
const RENAMED = { fewestSteps: 'minSteps', mostSteps: 'maxSteps' } as const;

/** Models of an earlier commit as this checkout reads them: the same weights and problems, by today's names. @returns their folder */
export function modelsForToday(models: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'lori-models-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  cpSync(models, folder, { recursive: true });
  const file = join(folder, 'manifest.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  for (const [before, now] of Object.entries(RENAMED)) manifest.data[now] ??= manifest.data[before];
  writeFileSync(file, JSON.stringify(manifest));
  return folder;
}
