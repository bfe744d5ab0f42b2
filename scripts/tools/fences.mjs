/**
 * Checks on the syntax tree for what Biome's rules do not see:
 * - files in no row of the import table;
 * - `import('…')` in a type, `new URL('…', import.meta.url)` and `import.meta.glob('…')`, checked against the table;
 * - relative paths not in their shortest form, which would escape the patterns;
 * - `navigator.gpu`, `navigator.storage` and `Math.random` outside their folders, and fenced globals through globalThis.
 *
 *     node scripts/tools/fences.mjs [project folder]
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { parseAst } from 'vite';
import { forbiddenPackages } from './import-rules.mjs';
import { globalFences, memberFences, rows, testFile } from './import-table.mjs';

const codeFile = /\.(ts|tsx|mts|js|mjs|jsx)$/;
const globalObjects = new Set(['globalThis', 'self', 'window']);

const isWithin = (path, folder) =>
  path === folder || path.startsWith(`${folder}/`) || path.startsWith(`${folder}.`);

/** The row that a file belongs to; paths are relative to src/. */
function rowOf(file) {
  const folder = posix.dirname(file);
  const stem = posix.basename(file).replace(/\..*$/, '');
  return rows.find((row) => {
    if (!isWithin(folder, row.folder)) return false;
    const depth = folder === row.folder ? 0 : folder.slice(row.folder.length + 1).split('/').length;
    if (!(row.depths ?? [0, 1, 2]).includes(depth)) return false;
    if (row.files) return row.files.includes(stem);
    return !(depth === 0 && row.notFiles?.includes(stem));
  });
}

function mayImport(row, file, target) {
  if (row.mayNot?.some((path) => isWithin(target, path))) return false;
  if (row.may.some((path) => isWithin(target, path))) return true;
  if (row.files) return false;
  if (!row.apart) return rowOf(target) === row || (isWithin(target, row.folder) && !codeFile.test(target));
  if (isWithin(target, `${row.folder}/shared`)) return true;
  const own = file.slice(row.folder.length + 1).split('/');
  return own.length > 1 && isWithin(target, `${row.folder}/${own[0]}`);
}

function* nodesOf(node) {
  if (Array.isArray(node)) for (const child of node) yield* nodesOf(child);
  else if (node && typeof node === 'object') {
    if (typeof node.type === 'string') yield node;
    for (const key in node) if (key !== 'parent') yield* nodesOf(node[key]);
  }
}

const isImportMeta = (node) => node?.type === 'MetaProperty' && node.meta?.name === 'import';

const stringsIn = (node) =>
  [...nodesOf(node)].filter((it) => it.type === 'Literal' && typeof it.value === 'string');

/** [specifier, whether Biome sees this form too] of all modules and files that a node names. */
function specifiers(node) {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
    case 'ImportExpression':
      return typeof node.source?.value === 'string' ? [[node.source.value, true]] : [];
    case 'TSImportType': {
      const source = node.source ?? node.argument;
      return stringsIn(source).map(({ value }) => [value, false]);
    }
    case 'NewExpression': {
      const [path, base] = node.arguments;
      const isUrl =
        node.callee?.name === 'URL' && base?.type === 'MemberExpression' && isImportMeta(base.object);
      return isUrl && typeof path?.value === 'string' ? [[path.value, false]] : [];
    }
    case 'CallExpression': {
      const isGlob = node.callee?.type === 'MemberExpression' && isImportMeta(node.callee.object);
      return isGlob ? stringsIn(node.arguments[0]).map(({ value }) => [value, false]) : [];
    }
    default:
      return [];
  }
}

/** What is wrong with a path or package that a file imports, if anything. */
function complaintAbout(specifier, seenByBiome, row, file) {
  const path = specifier.replace(/[?#].*$/, '');
  if (!path.startsWith('.')) {
    const isFenced = forbiddenPackages(row.folder).some((name) =>
      name.endsWith('*') ? path.startsWith(name.slice(0, -1)) : path === name || path.startsWith(`${name}/`),
    );
    return !seenByBiome && isFenced ? `package "${path}" is fenced` : undefined;
  }
  const folder = posix.dirname(file);
  const target = posix.join(folder, path);
  const shortest = posix.relative(folder, target).replace(/^(?!\.)/, './');
  if (path !== shortest) return `"${path}" is not the shortest path: write "${shortest}"`;
  if (seenByBiome || mayImport(row, file, target)) return undefined;
  // The client starts the worker by the URL of its entry, and imports nothing from it.
  if (row.name === 'worker/client' && target.startsWith('worker/host')) return undefined;
  return `"${path}" is not in the import table for ${row.name}`;
}

const nameOf = (node) => (node?.type === 'Identifier' ? node.name : undefined);

/** The last name of `navigator`, `globalThis.navigator`, `self.navigator`. */
const lastName = (node) => {
  if (node?.type === 'TSAsExpression' || node?.type === 'TSNonNullExpression')
    return lastName(node.expression);
  if (node?.type === 'ParenthesizedExpression' || node?.type === 'ChainExpression')
    return lastName(node.expression);
  return nameOf(node) ?? (node?.type === 'MemberExpression' ? propertyOf(node) : undefined);
};

function propertyOf(node) {
  return node.computed ? node.property?.value : node.property?.name;
}

/** [object, member] pairs that a node reads: `o.m`, `o['m']`, `const { m } = o`. */
function membersRead(node) {
  if (node.type === 'MemberExpression') return [[lastName(node.object), propertyOf(node)]];
  if (node.type === 'VariableDeclarator' && node.id.type === 'ObjectPattern') {
    return node.id.properties.map((property) => [
      lastName(node.init),
      property.key?.name ?? property.key?.value,
    ]);
  }
  return [];
}

function memberComplaint(object, member, row, file) {
  for (const fence of memberFences) {
    if (fence.object !== object || fence.member !== member) continue;
    if (fence.within && !isWithin(file, fence.within)) continue;
    if (!fence.folders.includes(row.folder))
      return `${object}.${member} is only for ${fence.folders.join(', ') || 'no one'}`;
  }
  if (!globalObjects.has(object)) return undefined;
  for (const fence of globalFences) {
    const applies = fence.within ? isWithin(file, fence.within) : !isWithin(file, fence.outside);
    if (applies && fence.names.includes(member)) return `${object}.${member}: ${fence.reason}`;
  }
  return undefined;
}

/** Complaints about one file, as `line: text`. */
export function complaintsOf(file, code) {
  if (testFile.test(file)) return [];
  const row = rowOf(file);
  if (!row) return ['1: in no row of the import table (scripts/tools/import-table.mjs)'];
  const found = [];
  const lang = /x$/.test(file) ? 'tsx' : 'ts';
  for (const node of nodesOf(parseAst(code, { lang }))) {
    const texts = [
      ...specifiers(node).map(([path, seen]) => complaintAbout(path, seen, row, file)),
      ...membersRead(node).map(([object, member]) => memberComplaint(object, member, row, file)),
    ];
    const line = code.slice(0, node.start).split('\n').length;
    for (const text of texts) if (text) found.push(`${line}: ${text}`);
  }
  return found;
}

export function checkFences(root) {
  const src = join(root, 'src');
  const files = readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && codeFile.test(entry.name) && !entry.name.endsWith('.d.ts'))
    .map((entry) => relative(src, join(entry.parentPath ?? entry.path, entry.name)).replaceAll('\\', '/'))
    .sort();
  return files.flatMap((file) =>
    complaintsOf(file, readFileSync(join(src, file), 'utf8')).map((text) => `src/${file}:${text}`),
  );
}

if (import.meta.filename === process.argv[1]) {
  const complaints = checkFences(process.argv[2] ?? join(import.meta.dirname, '../..'));
  for (const line of complaints) console.error(line);
  if (complaints.length > 0) process.exit(1);
}
