/**
 * Proves the import table and the fences by planting violations: a small tree that keeps every rule passes both checkers,
 * and each violation on its own makes them fail.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkFences } from './fences.mjs';
import { root } from './folders.mjs';
import { importRulesText } from './import-rules.mjs';

let tree = '';
const biome = join(root, 'node_modules/.bin/biome');

function write(path: string, code: string): void {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), code);
}

/** Rules that fail, with the file they fail in; formatting and unused names are not at issue here. */
function violations(): string[] {
  const rules = ['noRestrictedImports', 'noImportCycles', 'noRestrictedGlobals'];
  const groups = ['style', 'suspicious', 'style'];
  const only = rules.flatMap((rule, index) => ['--only', `${groups[index]}/${rule}`]);
  const { stdout, stderr, status } = spawnSync(
    biome,
    ['lint', '--reporter=json', '--max-diagnostics=none', ...only, 'src'],
    {
      cwd: tree,
      encoding: 'utf8',
    },
  );
  if (status !== 0 && status !== 1) throw new Error(`biome ended with ${status}: ${stderr}`);
  const { diagnostics, summary } = JSON.parse(stdout) as {
    diagnostics: { category: string; location: { path: string | { file: string } } }[];
    summary: { errors: number };
  };
  expect(status === 1).toBe(summary.errors > 0);
  const fromBiome = diagnostics.map(({ category, location }) => {
    const file = typeof location.path === 'string' ? location.path : location.path.file;
    return `${category.replace(/^lint\/\w+\//, '')} ${file}`;
  });
  return [...fromBiome, ...checkFences(tree).map((line) => `fences ${line.slice(0, line.indexOf(':'))}`)];
}

/** One module of each place, all allowed imports of the table among them (never two that would form a cycle). */
const clean: Record<string, string> = {
  'src/contract/a.ts': `import { z } from 'zod';\nexport const c = z;\nexport type C = number;`,
  'src/contract/b.ts': `import { c } from './a';\nexport const d = c;`,
  'src/engine/base/a.ts': `export const a = 1;\nexport type A = number;`,
  'src/engine/graph/a.ts': `import { a } from '../base/a';\nimport type { A } from '../base/a';\nexport const g: A = a;`,
  'src/engine/graph/deep/er/a.ts': `import { a } from '../../../base/a';\nimport { g } from '../../a';\nexport const h = a + g;`,
  'src/engine/device/a.ts': `import { a } from '../base/a';\nexport const d = [a, navigator.gpu];`,
  'src/engine/checkpoint/a.ts': `export { a } from '../base/a';`,
  'src/engine/tokenizer/a.ts': `import '../base/a';\nexport const t = await import('@huggingface/tokenizers');`,
  'src/engine/onnx/a.ts': `import { g } from '../graph/a';\nexport const o = g;`,
  'src/engine/nn/a.ts': `import { g } from '../graph/a';\nexport const n = g;`,
  'src/engine/kernels/one/one.ts': `import { d } from '../../device/a';\nimport { s } from '../shared/a';\nimport code from './one.wgsl?raw';\nexport const k = [d, s, code];`,
  'src/engine/kernels/two/two.ts': `export const k = 2;`,
  'src/engine/kernels/shared/a.ts': `export const s = 1;`,
  'src/engine/runtime/a.ts': `import * as ort from 'onnxruntime-web';\nimport { d } from '../device/a';\nimport { o } from '../onnx/a';\nexport const r = [ort, d, o];`,
  'src/engine/analysis/a.ts': `import { k } from '../kernels/one/one';\nexport const x = k;`,
  'src/engine/data/a.ts': `import { t } from '../tokenizer/a';\nexport const x = t;`,
  'src/engine/decode/a.ts': `import { n } from '../nn/a';\nimport { r } from '../runtime/a';\nexport const x = [n, r];`,
  'src/engine/train/a.ts': `import { k } from '../kernels/one/one';\nimport { n } from '../nn/a';\nexport const x = [n, k];`,
  'src/engine/eval/a.ts': `import { x as data } from '../data/a';\nimport { x as decode } from '../decode/a';\nexport const x = [data, decode];`,
  'src/engine/recipes/lori.ts': `import type { C } from '../../contract/a';\nimport { x } from '../train/a';\nexport const recipe: [C, unknown] = [1, x];`,
  'src/engine/recipes/codi.ts': `export const recipe = 2;`,
  'src/engine/session/a.ts': `import type { C } from '../../contract/a';\nimport { recipe } from '../recipes/lori';\nexport const x: [C, unknown] = [1, recipe];`,
  'src/storage/a.ts': `import { c } from '../contract/a';\nimport { openDB } from 'idb';\nexport const s = [c, openDB, indexedDB, navigator.storage];`,
  'src/hub/a.ts': `import { c } from '../contract/a';\nimport { s } from '../storage/a';\nexport const hub = [c, s, new URL('./b.ts', import.meta.url)];`,
  'src/hub/b.ts': `export const b = 1;`,
  'src/worker/rpc.ts': `import type { C } from '../contract/a';\nexport type Message = C;`,
  'src/worker/client.ts': `import type { Message } from './rpc';\nexport const start = (m: Message) => [m, new Worker(new URL('./host.ts', import.meta.url), { type: 'module' })];`,
  'src/worker/host.ts': `import { recipe } from '../engine/recipes/lori';\nimport { s } from '../storage/a';\nimport type { Message } from './rpc';\nexport const h = (m: Message) => [m, recipe, s];`,
  'src/lab/main.ts': `import 'node:fs/promises';\nimport { c } from '../contract/a';\nimport { recipe } from '../engine/recipes/lori';\nexport const l = [c, recipe];`,
  'src/app/ui/a.tsx': `import { Button } from 'react-aria-components';\nexport const u = Button;`,
  'src/app/charts/a.tsx': `import { c } from '../../contract/a';\nimport { u } from '../ui/a';\nexport const ch = [c, u, () => import('plotly.js/lib/core')];`,
  'src/app/store/a.ts': `import { create } from 'zustand';\nimport { c } from '../../contract/a';\nimport { hub } from '../../hub/a';\nimport { s } from '../../storage/a';\nimport { start } from '../../worker/client';\nexport const st = [create, c, hub, s, start];`,
  'src/app/panels/model/a.tsx': `import { useState } from 'react';\nimport { c } from '../../../contract/a';\nimport { ch } from '../../charts/a';\nimport { st } from '../../store/a';\nimport { u } from '../../ui/a';\nexport const p = [useState, c, ch, st, u];`,
  'src/app/panels/model/b.tsx': `import { p } from './a';\nexport const q = p;`,
  'src/app/panels/distil/a.tsx': `export const p = 2;`,
  'src/app/main.tsx': `import { createRoot } from 'react-dom/client';\nimport { c } from '../contract/a';\nimport { p } from './panels/model/a';\nimport { st } from './store/a';\nimport { u } from './ui/a';\nconsole.log(createRoot, c, p, st, u, document);`,
  'src/engine/graph/a.test.ts': `import { x } from '../train/a';\nimport { expect } from 'vitest';\nexpect([x, Math.random(), document]);`,
};

/** [what it breaks, file, its code, the rule that must see it] */
const plants: [string, string, string, string][] = [];

function plantImport(from: string, to: string, rule = 'noRestrictedImports'): void {
  plants.push([
    `${from} imports ${to}`,
    from,
    `import { planted } from '${to}';\nexport const p = planted;`,
    rule,
  ]);
}

// Each row of the table, with a neighbour that it must not know.
const forbidden: [string, string[]][] = [
  ['src/contract/p.ts', ['../engine/base/a', '../worker/rpc', '../app/ui/a']],
  ['src/engine/base/p.ts', ['../graph/a', '../../contract/a']],
  ['src/engine/graph/p.ts', ['../device/a', '../onnx/a', '../../contract/a']],
  ['src/engine/device/p.ts', ['../graph/a', '../runtime/a']],
  ['src/engine/checkpoint/p.ts', ['../graph/a', '../../storage/a']],
  ['src/engine/tokenizer/p.ts', ['../data/a']],
  ['src/engine/onnx/p.ts', ['../runtime/a', '../device/a']],
  ['src/engine/nn/p.ts', ['../device/a', '../runtime/a', '../../app/ui/a']],
  ['src/engine/kernels/one/p.ts', ['../two/two', '../../graph/a']],
  ['src/engine/kernels/p.ts', ['./two/two']],
  ['src/engine/runtime/p.ts', ['../nn/a', '../kernels/one/one']],
  ['src/engine/analysis/p.ts', ['../graph/a', '../runtime/a']],
  ['src/engine/data/p.ts', ['../graph/a', '../decode/a']],
  ['src/engine/decode/p.ts', ['../kernels/one/one', '../eval/a']],
  ['src/engine/train/p.ts', ['../recipes/lori', '../decode/a']],
  ['src/engine/eval/p.ts', ['../train/a', '../runtime/a']],
  ['src/engine/recipes/p.ts', ['./codi', '../session/a', '../../worker/rpc', '../../app/ui/a']],
  ['src/engine/graph/deep/er/p.ts', ['../../../device/a', '../../../../app/ui/a']],
  ['src/engine/session/p.ts', ['../../worker/rpc', '../../storage/a']],
  ['src/storage/p.ts', ['../engine/base/a', '../worker/rpc', '../hub/a']],
  ['src/hub/p.ts', ['../engine/base/a', '../worker/client', '../app/store/a']],
  ['src/worker/rpc.ts', ['./client', '../engine/base/a']],
  ['src/worker/client.ts', ['./host', '../engine/base/a', '../storage/a']],
  ['src/worker/host.ts', ['./client', '../app/store/a']],
  ['src/lab/main.ts', ['../worker/host', '../app/store/a']],
  ['src/app/main.tsx', ['./charts/a', '../worker/client', '../engine/base/a']],
  ['src/app/ui/p.tsx', ['../store/a', '../../contract/a']],
  ['src/app/charts/p.tsx', ['../store/a', '../panels/model/a']],
  [
    'src/app/store/p.ts',
    ['../panels/model/a', '../../worker/host', '../../engine/base/a', '../../worker/rpc'],
  ],
  [
    'src/app/panels/model/p.tsx',
    ['../distil/a', '../../../worker/client', '../../../engine/base/a', '../../../hub/a'],
  ],
  ['src/engine/nn/p.testing.ts', ['../../app/store/a']],
  ['src/engine/nn/p.test.ts', ['../../app/store/a', 'react', 'zustand']],
];
for (const [from, targets] of forbidden) for (const to of targets) plantImport(from, to);

// Each fence around a package.
for (const name of ['onnxruntime-web', 'onnxruntime-web/webgpu']) plantImport('src/engine/train/p.ts', name);
for (const name of ['plotly.js', 'plotly.js/lib/core']) plantImport('src/app/panels/model/p.tsx', name);
plantImport('src/app/panels/model/p.tsx', 'zustand');
for (const name of ['react', 'react-dom/client', 'react-aria-components'])
  plantImport('src/worker/host.ts', name);
for (const name of ['@huggingface/tokenizers', '@huggingface/jinja'])
  plantImport('src/engine/data/p.ts', name);
plantImport('src/app/store/p.ts', 'idb');
plantImport('src/engine/analysis/p.ts', 'ml-matrix');
for (const name of ['node:fs', 'node:fs/promises']) plantImport('src/engine/analysis/p.ts', name);

const graph = 'src/engine/graph/p.ts';
plants.push(
  [
    'a type import',
    graph,
    `import type { D } from '../device/a';\nexport type P = D;`,
    'noRestrictedImports',
  ],
  ['a dynamic import', graph, `export const p = () => import('../device/a');`, 'noRestrictedImports'],
  ['an export from', graph, `export * from '../device/a';`, 'noRestrictedImports'],
  ['an import for its effect', graph, `import '../device/a';`, 'noRestrictedImports'],
  ['an import with a query', graph, `import p from '../device/a?raw';\nexport { p };`, 'noRestrictedImports'],
  ['an import in a type', graph, `export type P = import('../device/a').D;`, 'fences'],
  ['a package in a type', graph, `export type P = import('onnxruntime-web').Tensor;`, 'fences'],
  ['a module of Node in a type', graph, `export type P = typeof import('node:fs');`, 'fences'],
  ['a URL', graph, `export const p = new URL('../device/a.ts', import.meta.url);`, 'fences'],
  ['a glob', graph, `export const p = import.meta.glob('../device/*.ts');`, 'fences'],
  ['a detour', graph, `import { d } from '../base/../device/a';\nexport { d };`, 'fences'],
  [
    'a cycle',
    'src/engine/base/a.ts',
    `import { p } from './p';\nexport const a = p;\nexport type A = number;`,
    'noImportCycles',
  ],
  [
    'a cycle of types',
    'src/engine/base/a.ts',
    `import type { P } from './p';\nexport const a = 1;\nexport type A = P;`,
    'noImportCycles',
  ],
  ['navigator.gpu', graph, `export const p = navigator.gpu;`, 'fences'],
  ['gpu of navigator', graph, `const { gpu } = globalThis.navigator;\nexport { gpu };`, 'fences'],
  ['navigator.storage', 'src/worker/host.ts', `export const p = navigator.storage;`, 'fences'],
  ['Math.random', graph, `export const p = Math.random();`, 'fences'],
  ['window', graph, `export const p = window;`, 'noRestrictedGlobals'],
  ['document', graph, `export const p = document.title;`, 'noRestrictedGlobals'],
  ['document of globalThis', graph, `export const p = globalThis.document;`, 'fences'],
  ['self', graph, `export const p = self;`, 'noRestrictedGlobals'],
  ['indexedDB in the page', 'src/app/store/p.ts', `export const p = indexedDB;`, 'noRestrictedGlobals'],
  ['indexedDB in the engine', graph, `export const p = indexedDB;`, 'noRestrictedGlobals'],
  ['a folder of no row', 'src/utils/p.ts', `export const p = 1;`, 'fences'],
  ['a folder too deep', 'src/engine/graph/x/y/z/p.ts', `export const p = 1;`, 'fences'],
);

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), 'import-table-'));
  for (const name of ['biome.json', 'biome.imports.json']) copyFileSync(join(root, name), join(tree, name));
  for (const [path, code] of Object.entries(clean)) write(path, `${code}\n`);
});

afterAll(() => rmSync(tree, { recursive: true, force: true }));

describe('the import table', () => {
  it('is what Biome is configured with', () => {
    expect(readFileSync(join(root, 'biome.imports.json'), 'utf8')).toBe(importRulesText());
    expect(JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8')).extends).toEqual([
      './biome.imports.json',
    ]);
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    for (const part of ['import-rules.mjs', 'biome check', 'fences.mjs', 'licences.mjs'])
      expect(scripts.lint).toContain(part);
  });

  it('passes a tree that keeps it', () => {
    expect(violations()).toEqual([]);
  });

  // Plants in new files do not disturb each other and are checked in one run; those that replace a file, one of each file in a run.
  const inPlace = plants.filter(([, file, , rule]) => file in clean && rule !== 'noImportCycles');
  const cycles = plants.filter(([, , , rule]) => rule === 'noImportCycles');
  const together = plants
    .filter((plant) => !inPlace.includes(plant) && !cycles.includes(plant))
    .map(([what, file, code, rule], n) => [what, file.replace(/\/p\b/, `/p${n}`), code, rule] as const);
  const roundOf = (plant: (typeof plants)[number]): number =>
    inPlace.slice(0, inPlace.indexOf(plant)).filter(([, file]) => file === plant[1]).length;
  const last = Math.max(...inPlace.map(roundOf));
  const rounds = Array.from({ length: last + 1 }, (_, i) => inPlace.filter((plant) => roundOf(plant) === i));

  describe.each(rounds.map((planted) => ({ planted })))('in place of files, run $#', ({ planted }) => {
    let seen: string[] = [];
    beforeAll(() => {
      for (const [, file, code] of planted) write(file, `${code}\n`);
      seen = violations();
      for (const [, file] of planted) write(file, `${clean[file]}\n`);
    });

    it.each(planted)('sees %s', (_what, file, _code, rule) => {
      expect(seen).toContain(`${rule} ${file}`);
    });

    it('sees nothing else', () => {
      const files = new Set(planted.map(([, file]) => file));
      expect(seen.filter((line) => !files.has(line.split(' ')[1] ?? ''))).toEqual([]);
    });
  });

  it.each(cycles)('sees %s', (_what, file, code, rule) => {
    write(
      'src/engine/base/p.ts',
      `import type { A } from './a';\nexport type P = A;\nexport const p: A = 1;\n`,
    );
    write(file, `${code}\n`);
    const seen = violations();
    write(file, `${clean[file]}\n`);
    rmSync(join(tree, 'src/engine/base/p.ts'), { force: true });
    expect(seen).toContain(`${rule} ${file}`);
  });

  describe('in one tree', () => {
    let seen: string[] = [];
    beforeAll(() => {
      for (const [, file, code] of together) write(file, `${code}\n`);
      seen = violations();
      for (const [, file] of together) rmSync(join(tree, file));
    });

    it.each(together)('sees %s', (_what, file, _code, rule) => {
      expect(seen).toContain(`${rule} ${file}`);
    });

    it('sees nothing else', () => {
      const files = new Set(together.map(([, file]) => file));
      expect(seen.filter((line) => !files.has(line.split(' ')[1] ?? ''))).toEqual([]);
    });
  });

  it('fails as a program', () => {
    write(graph, `export const p = Math.random();\n`);
    const run = () =>
      execFileSync(process.execPath, [join(root, 'scripts/tools/fences.mjs'), tree], { stdio: 'pipe' });
    expect(run).toThrow('src/engine/graph/p.ts:1: Math.random is only for no one');
    rmSync(join(tree, graph));
    expect(run).not.toThrow();
  });
});
