/**
 * Exports of src/ that nothing but tests uses: what only tests use does not ship (it stands in `x.testing.ts` or `testing/`),
 * and what nothing uses goes. A use is an import by name from the same file, a member of a namespace import, or a mention in
 * the file itself; scripts and the headless lab use as the page does.
 *
 *     node scripts/tools/unused-exports.mjs [project folder]
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseAst } from 'vite';
import { root } from './folders.mjs';

const codeFile = /\.(ts|tsx|mts|mjs)$/;
/** Also what benches alone use does not ship. */
const forTests = /\.(test|testing|spec|bench)\.|\/testing\/|\/testing\.ts$|^e2e\//;
const ENDINGS = ['', '.ts', '.tsx', '.mts', '.mjs', '/index.ts'];

const filesIn = (folder, name) => {
  const from = join(folder, name);
  if (!existsSync(from)) return [];
  return readdirSync(from, { recursive: true, withFileTypes: true })
    .filter(
      (entry) => entry.isFile() && codeFile.test(entry.name) && !entry.parentPath.includes('node_modules'),
    )
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
};

function* nodesOf(node) {
  if (Array.isArray(node)) for (const child of node) yield* nodesOf(child);
  else if (node && typeof node === 'object') {
    if (typeof node.type === 'string') yield node;
    for (const key in node) if (key !== 'parent') yield* nodesOf(node[key]);
  }
}

const nameOf = (node) => node?.name ?? node?.value;

function boundBy(pattern) {
  if (pattern?.type === 'Identifier') return [pattern.name];
  if (pattern?.type === 'ObjectPattern')
    return pattern.properties.flatMap((one) => boundBy(one.value ?? one.argument));
  if (pattern?.type === 'ArrayPattern') return pattern.elements.flatMap(boundBy);
  return pattern?.left ? boundBy(pattern.left) : [];
}

/** Names that a statement exports by declaring them. */
function declared({ type, declaration }) {
  if (type !== 'ExportNamedDeclaration' || !declaration) return [];
  if (declaration.declarations) return declaration.declarations.flatMap(({ id }) => boundBy(id));
  return declaration.id ? [declaration.id.name] : [];
}

const ALL = '*';

/** [module, name in it] of everything that a file imports or passes on; `*` for all of a module. */
function* imported(ast) {
  for (const node of nodesOf(ast)) {
    const from = node.source?.value;
    if (node.type === 'ImportDeclaration')
      for (const one of node.specifiers) {
        if (one.type === 'ImportSpecifier') yield [from, nameOf(one.imported)];
        else yield [from, one.type === 'ImportNamespaceSpecifier' ? ALL : 'default'];
      }
    else if (node.type === 'ExportNamedDeclaration' && from)
      for (const one of node.specifiers) yield [from, nameOf(one.local)];
    else if (node.type === 'ExportAllDeclaration' || node.type === 'ImportExpression') yield [from, ALL];
    else if (node.type === 'CallExpression' && node.callee.property?.name === 'glob')
      for (const pattern of stringsIn(node.arguments[0])) yield [pattern, ALL];
    else if (node.type === 'TSImportType') yield [node.source?.value ?? node.argument?.literal?.value, ALL];
  }
}

const stringsIn = (node) =>
  [...nodesOf(node)]
    .filter((it) => it.type === 'Literal' && typeof it.value === 'string')
    .map((it) => it.value);

/** The file that a relative path of a file leads to; undefined for packages and what is no code. */
function fileAt(folder, file, path) {
  if (!path?.startsWith('.')) return undefined;
  const at = resolve(folder, dirname(file), path);
  const ending = ENDINGS.find((end) => codeFile.test(at + end) && existsSync(at + end));
  return ending === undefined ? undefined : relative(folder, at + ending);
}

/** The files that a pattern with one star stands for. */
function globbed(files, file, pattern) {
  const [from, to] = join(dirname(file), pattern).split('*');
  return files.filter(
    (name) => name.startsWith(from) && name.endsWith(to) && !name.slice(from.length).includes('/'),
  );
}

/** A line for each export that only tests use, and for each that nothing uses. */
export function unusedExports(folder) {
  const files = ['src', 'scripts', 'e2e'].flatMap((name) => filesIn(folder, name));
  const uses = { shipped: new Map(), tests: new Map() };
  const mentioned = { shipped: new Set(), tests: new Set() };
  const exported = [];
  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8');
    const ast = parseAst(text, { lang: file.endsWith('x') ? 'tsx' : 'ts' }, file);
    const kind = forTests.test(file) ? 'tests' : 'shipped';
    for (const [path, name] of imported(ast)) {
      for (const target of path?.includes('*') ? globbed(files, file, path) : [fileAt(folder, file, path)]) {
        if (target === undefined) continue;
        if (!uses[kind].has(target)) uses[kind].set(target, new Set());
        uses[kind].get(target).add(name);
      }
    }
    if (!file.startsWith('src/')) {
      // Scripts load modules by name, too.
      for (const { type, name } of nodesOf(ast)) if (type === 'Identifier') mentioned[kind].add(name);
      continue;
    }
    const mentions = new Map();
    for (const { type, name } of nodesOf(ast))
      if (type === 'Identifier' || type === 'JSXIdentifier')
        mentions.set(name, (mentions.get(name) ?? 0) + 1);
    for (const name of ast.body.flatMap(declared))
      if (mentions.get(name) === 1) exported.push({ file, name, kind });
  }
  const isUsed = (kind, { file, name }) => {
    const names = uses[kind].get(file);
    return names?.has(name) || names?.has(ALL) || mentioned[kind].has(name);
  };
  return exported
    .filter((one) => !isUsed('shipped', one) && !(one.kind === 'tests' && isUsed('tests', one)))
    .map((one) => {
      const why = isUsed('tests', one)
        ? 'is used by tests alone: what only they use stands in *.testing.ts'
        : 'is used by nothing';
      return `${one.file}: ${one.name} ${why}`;
    })
    .sort();
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const found = unusedExports(resolve(process.argv[2] ?? root));
  for (const line of found) console.error(line);
  process.exitCode = found.length > 0 ? 1 : 0;
}
