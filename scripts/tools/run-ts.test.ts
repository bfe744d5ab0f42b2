import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { root } from './folders.mjs';

let folder = '';
const run = (...args: string[]) =>
  execFileSync(process.execPath, [join(root, 'scripts/tools/run-ts.mjs'), ...args], {
    encoding: 'utf8',
    stdio: 'pipe',
  });

beforeAll(() => {
  mkdirSync(join(root, 'node_modules/.cache'), { recursive: true });
  folder = mkdtempSync(join(root, 'node_modules/.cache/run-ts-test-'));
  writeFileSync(join(folder, 'kernel.wgsl'), '@compute fn main() {}');
  writeFileSync(join(folder, 'part.ts'), 'export enum Part { One = 1 }\n');
  writeFileSync(
    join(folder, 'main.ts'),
    [
      `import code from './kernel.wgsl?raw';`,
      `import { Part } from './part';`,
      `import { z } from 'zod';`,
      `const args: string[] = process.argv.slice(2);`,
      `console.log(JSON.stringify({ code, one: Part.One, ok: z.number().safeParse(1).success, args }));`,
      `const { Part: late } = await import('./part');`,
      `if (args.includes('fail')) throw new Error('asked to fail ' + late.One);`,
    ].join('\n'),
  );
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('runs a program with its arguments, packages and raw imports', () => {
  const out = run(join(folder, 'main.ts'), '--config', 'a b.json');
  expect(JSON.parse(out)).toEqual({
    code: '@compute fn main() {}',
    one: 1,
    ok: true,
    args: ['--config', 'a b.json'],
  });
});

it('fails when the program fails, naming the line of the source, and when there is no file', () => {
  const failing = () => run(join(folder, 'main.ts'), 'fail');
  expect(failing).toThrow('asked to fail 1');
  expect(failing).toThrow('main.ts:7');
  expect(() => run(join(folder, 'absent.ts'))).toThrow('no file');
});
