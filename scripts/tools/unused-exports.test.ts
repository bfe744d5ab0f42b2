import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { unusedExports } from './unused-exports.mjs';

let folder = '';
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function found(files: Readonly<Record<string, string>>): string[] {
  folder = mkdtempSync(join(tmpdir(), 'lori-exports-'));
  for (const [path, code] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), code);
  }
  return unusedExports(folder).map((line: string) => line.replace(/ is used by (tests|nothing).*$/, ' $1'));
}

const declared = `export const a = 1;
export function b() { return 2; }
export interface C { readonly c: number }
export class D { }`;

it('finds what nothing uses, and what tests alone use, also beside tests', () => {
  expect(
    found({
      'src/x.ts': declared,
      'src/y.ts': `import { a } from './x';\nconsole.log(a);`,
      'src/x.test.ts': `import { b } from './x';\nimport { left } from './x.testing';\nb(left);`,
      'src/x.testing.ts': `export const left = 1;\nexport const right = 2;`,
    }),
  ).toEqual([
    'src/x.testing.ts: right nothing',
    'src/x.ts: C nothing',
    'src/x.ts: D nothing',
    'src/x.ts: b tests',
  ]);
});

it.each([
  [
    'a type',
    `import type { C } from './x';\nexport type E = C;\nexport const e: E | null = null;\nconsole.log(e);`,
    'C',
  ],
  ['a namespace', `import * as x from './x';\nconsole.log(x);`, 'a'],
  ['a module that is loaded late', `const { a } = await import('./x');\nconsole.log(a);`, 'a'],
  ['a re-export', `export { D } from './x';`, 'D'],
  ['a name of its own', `import { b as other } from './x';\nother();`, 'b'],
])('knows a use by %s', (_, code, name) => {
  expect(found({ 'src/x.ts': declared, 'src/y.ts': code }).join()).not.toContain(`x.ts: ${name} `);
});

it('counts what scripts name, and what a file uses itself', () => {
  expect(
    found({
      'src/x.ts': `export const a = 1;\nexport const b = a;`,
      'scripts/use.mjs': `const m = await load('src/x.ts');\nconsole.log(m.b);`,
    }),
  ).toEqual([]);
});
