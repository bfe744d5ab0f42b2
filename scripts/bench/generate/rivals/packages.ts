/** The packages of other engines, in exact versions, installed outside of this repository: they are none of its dependencies. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const RIVALS = { '@huggingface/transformers': '4.3.1', '@wllama/wllama': '3.13.0' } as const;

const LIMIT_S = 300;

const versionOf = (folder: string, name: string): string | undefined => {
  const path = join(folder, 'node_modules', name, 'package.json');
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).version : undefined;
};

/**
 * Installs what is not there, without running anything of theirs. About 500 MB, most of it ONNX Runtime for Node, which is not
 * used.
 * @returns versions by package, that of ONNX Runtime Web among them  @throws an error that says why they are not there
 */
export function installRivals(folder: string): Readonly<Record<string, string>> {
  const missing = Object.entries(RIVALS).filter(([name, version]) => versionOf(folder, name) !== version);
  if (missing.length > 0) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    const wanted = missing.map(([name, version]) => `${name}@${version}`);
    console.log(`installing ${wanted.join(' and ')} from the npm registry into ${folder}`);
    const options = [
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--omit=optional',
      '--save-exact',
      '--fetch-retries=1',
      '--loglevel=error',
    ];
    const { status, error, stderr } = spawnSync('npm', ['install', ...options, ...wanted], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 1000 * LIMIT_S,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (status !== 0) {
      const why = error
        ? `npm did not end within ${LIMIT_S} s or could not be started (${error.message})`
        : stderr.trim().split('\n').slice(0, 4).join(' ').replaceAll('npm error ', '') ||
          `npm ended with status ${status}`;
      throw new Error(
        `other engines are not measured: ${wanted.join(' and ')} could not be installed into ${folder}: ${why}. With a network, run it again; without one, copy a folder that has them and name it by --cache.`,
      );
    }
  }
  const names = [...Object.keys(RIVALS), 'onnxruntime-web'];
  return Object.fromEntries(names.map((name) => [name, versionOf(folder, name) ?? 'not found']));
}
