/**
 * The import table as Biome's configuration. Biome matches what is written after `from`, so every row becomes one
 * override for each depth of sub-folder: forbid all that leaves the folder, then allow what the table lists.
 *
 *     node scripts/tools/import-rules.mjs           fails if biome.imports.json is not what the table says
 *     node scripts/tools/import-rules.mjs --write   writes it
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import { globalFences, packageFences, rows } from './import-table.mjs';

const notTests = ['!**/*.test.*', '!**/*.bench.*', '!**/*.testing.*', '!**/testing/**'];
const testGlobs = ['ts', 'tsx'].flatMap((end) =>
  ['*.test', '*.bench', '*.testing'].map((kind) => `src/**/${kind}.${end}`),
);

const files = new Set(rows.flatMap((row) => (row.files ?? []).map((name) => `${row.folder}/${name}`)));

/** Patterns of a folder, or of a file, named with and without its extension. */
const patternsOf = (path, from) => {
  const written = relative(from, path);
  return files.has(path) ? [written, `${written}.*`] : [`${written}/**`];
};

function relative(from, to) {
  const path = posix.relative(from, to);
  return path.startsWith('.') ? path : `./${path}`;
}

/** Packages forbidden in a folder. */
export const forbiddenPackages = (folder) =>
  packageFences.filter(({ folders }) => !folders.includes(folder)).flatMap(({ packages }) => packages);

function patternsAt(row, depth) {
  const folder = posix.join(row.folder, ...Array.from({ length: depth }, (_, level) => `x${level}`));
  const up = '../'.repeat(depth);
  const forbidden = [`${up}../**`, '/**', 'src/**'];
  const allowed = row.may.filter((path) => !row.mayNot?.includes(path));
  if (row.apart || row.files) {
    // From a child of the folder everything is foreign, including the folder's own files.
    forbidden.push(depth === 0 ? './**' : `${up}**`);
    if (row.apart) allowed.push(`${row.folder}/shared`);
  } else if (depth === 0) {
    // A separate row below this one (app/ui below app) is not part of it.
    for (const inner of rows.filter((other) => posix.dirname(other.folder) === row.folder)) {
      forbidden.push(...patternsOf(inner.folder, folder));
    }
  }
  for (const path of row.mayNot ?? []) forbidden.push(...patternsOf(path, folder));
  for (const name of forbiddenPackages(row.folder)) forbidden.push(name, `${name}/**`);
  return [
    ...new Set(forbidden),
    ...allowed.flatMap((path) => patternsOf(path, folder).map((pattern) => `!${pattern}`)),
  ];
}

function includesAt(row, depth) {
  const levels = '*/'.repeat(depth);
  if (row.files) return row.files.map((name) => `src/${row.folder}/${name}.ts`);
  const except = depth === 0 ? (row.notFiles ?? []).map((name) => `!src/${row.folder}/${name}.ts`) : [];
  return [`src/${row.folder}/${levels}*`, ...except, ...notTests];
}

const restricted = (group, message) => ({
  noRestrictedImports: { level: 'error', options: { patterns: [{ group, message }] } },
});

export function importRules() {
  const overrides = [];
  for (const row of rows) {
    const may = row.may.length > 0 ? row.may.join(', ') : 'nothing of ours';
    for (const depth of row.depths ?? [0, 1, 2]) {
      const message = `not in the import table: ${row.name} may import ${may}${row.apart ? ', never its neighbours' : ''}`;
      overrides.push({
        includes: includesAt(row, depth),
        linter: { rules: { style: restricted(patternsAt(row, depth), message) } },
      });
    }
  }
  overrides.push({
    includes: testGlobs.flatMap((glob) => [
      glob.replace('src/', 'src/engine/'),
      glob.replace('src/', 'src/contract/'),
    ]),
    linter: {
      rules: {
        style: restricted(
          [
            '**/app/**',
            'react',
            'react-dom',
            'react-dom/**',
            'react-aria-components',
            'plotly.js',
            'plotly.js/**',
            'zustand',
          ],
          'tests of the engine never import the app',
        ),
      },
    },
  });
  for (const { within, outside, names, reason } of globalFences) {
    const earlier = within ? globalFences.filter((fence) => fence.outside) : [];
    const denied = [{ names, reason }, ...earlier].flatMap((fence) =>
      fence.names.map((name) => [name, fence.reason]),
    );
    overrides.push({
      includes: [
        within ? `src/${within}/**` : 'src/**',
        ...(outside ? [`!src/${outside}/**`] : []),
        ...notTests,
      ],
      linter: {
        rules: {
          style: {
            noRestrictedGlobals: { level: 'error', options: { deniedGlobals: Object.fromEntries(denied) } },
          },
        },
      },
    });
  }
  // The last override that matches a file wins: the narrower fence goes last.
  const globals = overrides
    .splice(-globalFences.length)
    .sort((a, b) => a.includes[0].length - b.includes[0].length);
  return { overrides: [...overrides, ...globals] };
}

/** One override per line. */
export function importRulesText() {
  const lines = importRules().overrides.map((override) => `    ${JSON.stringify(override)}`);
  return `{\n  "overrides": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const file = new URL('../../biome.imports.json', import.meta.url);
  if (process.argv.includes('--write')) writeFileSync(file, importRulesText());
  else if (readFileSync(file, 'utf8') !== importRulesText()) {
    console.error(
      'biome.imports.json is not what the import table says: node scripts/tools/import-rules.mjs --write',
    );
    process.exit(1);
  }
}
