import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { SHAPES } from './shapes';
import { writeCheckpoint } from './write';

/**
 * The checkpoints that a bench's arguments `<folder> [shape…]` name, each written before it is used if it is not there. Ends the
 * process at once, saying what was expected, where no folder or another shape is given.
 * @param usual shapes without any on the command line
 */
export function chosenCheckpoints(
  [folder, ...wanted]: readonly string[],
  {
    command,
    usual,
    threads,
  }: { readonly command: string; readonly usual: readonly string[]; readonly threads: string },
): Generator<string> {
  const names = wanted.length > 0 ? wanted : usual;
  const unknown = names.find((name) => SHAPES[name] === undefined);
  if (folder === undefined || unknown !== undefined) {
    const usage = `usage: npm run ${command} -- <folder> [${Object.keys(SHAPES).join('|')}]…`;
    console.error(unknown === undefined ? usage : `no shape "${unknown}"; ${usage}`);
    process.exit(2);
  }
  return written(folder, names, threads);
}

function* written(folder: string, names: readonly string[], threads: string): Generator<string> {
  for (const name of names) {
    const at = join(resolve(folder), name);
    const bytes = writeCheckpoint(at, SHAPES[name] as (typeof SHAPES)[string]);
    console.log(`${name}: ${(bytes / 1e6).toFixed(0)} MB in bf16, ${threads} thread(s)`);
    yield at;
  }
}

/** The last line that a script prints in a process of its own. @throws an error if it fails */
export function lastLineOf(script: string, args: readonly string[]): string {
  const out = execFileSync(process.execPath, ['scripts/tools/run-ts.mjs', script, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return out.trim().split('\n').at(-1) as string;
}

/** Says that one measurement failed; the others go on. */
export const sayFailure = (what: string, error: unknown): void =>
  console.log(`  ${what}: failed: ${(error as Error).message.split('\n')[0]}`);
