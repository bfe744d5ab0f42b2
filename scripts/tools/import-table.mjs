/**
 * Who may import whom: the table of ARCHITECTURE.md, and the fences around packages. Everything not listed is
 * forbidden; type imports count. `node scripts/tools/import-rules.mjs --write` turns it into Biome's rules.
 */

const engineFolders = [
  'analysis',
  'base',
  'checkpoint',
  'data',
  'decode',
  'device',
  'device-check',
  'eval',
  'graph',
  'kernels',
  'methods',
  'model',
  'nn',
  'onnx',
  'recipes',
  'runtime',
  'session',
  'tokenizer',
  'train',
].map((name) => `engine/${name}`);

const engine = (...names) => names.map((name) => `engine/${name}`);

/**
 * One row: the files of `folder` (a path below src/) may import one another and what `may` lists.
 * `depths` are the levels of sub-folders that the row covers (default 0, 1 and 2). `files` narrows depth 0 to names.
 * Everything may import `text`: how values and JSON from outside are read and quoted.
 * `apart`: the direct children of the folder may not import each other, only `shared/`.
 */
export const rows = [
  { name: 'text', folder: 'text', may: [] },
  { name: 'contract', folder: 'contract', may: [] },

  { name: 'base', folder: 'engine/base', may: [] },
  { name: 'graph', folder: 'engine/graph', may: engine('base') },
  { name: 'device', folder: 'engine/device', may: engine('base') },
  { name: 'checkpoint', folder: 'engine/checkpoint', may: engine('base') },
  { name: 'tokenizer', folder: 'engine/tokenizer', may: engine('base') },
  { name: 'onnx', folder: 'engine/onnx', may: engine('base', 'graph') },
  { name: 'nn', folder: 'engine/nn', may: engine('base', 'graph') },
  { name: 'kernels', folder: 'engine/kernels', may: engine('base', 'device'), apart: true },
  { name: 'runtime', folder: 'engine/runtime', may: engine('base', 'graph', 'onnx', 'device') },
  {
    name: 'model',
    folder: 'engine/model',
    may: engine('base', 'device', 'graph', 'kernels', 'nn', 'runtime'),
  },
  { name: 'analysis', folder: 'engine/analysis', may: engine('base', 'device', 'kernels') },
  { name: 'data', folder: 'engine/data', may: ['contract', ...engine('base', 'tokenizer')] },
  {
    name: 'decode',
    folder: 'engine/decode',
    may: engine('base', 'graph', 'model', 'nn', 'runtime', 'tokenizer'),
  },
  {
    name: 'train',
    folder: 'engine/train',
    may: engine('base', 'graph', 'model', 'nn', 'runtime', 'device', 'kernels'),
  },
  {
    name: 'eval',
    folder: 'engine/eval',
    may: ['contract', ...engine('base', 'data', 'decode', 'tokenizer')],
  },
  {
    name: 'recipes',
    folder: 'engine/recipes',
    may: ['contract', ...engineFolders],
    mayNot: ['engine/session', 'engine/methods'],
    apart: true,
  },
  { name: 'methods', folder: 'engine/methods', may: ['contract', ...engine('recipes')] },
  {
    name: 'device-check',
    folder: 'engine/device-check',
    may: ['contract', ...engine('base', 'device', 'kernels')],
  },
  { name: 'session', folder: 'engine/session', may: ['contract', ...engineFolders] },

  { name: 'storage', folder: 'storage', may: ['contract'] },
  { name: 'hub', folder: 'hub', may: ['contract', 'storage'] },
  { name: 'worker/rpc', folder: 'worker', files: ['rpc'], depths: [0], may: ['contract'] },
  {
    name: 'worker/client',
    folder: 'worker',
    files: ['client'],
    depths: [0],
    may: ['contract', 'worker/rpc'],
  },
  {
    name: 'worker/host',
    folder: 'worker',
    notFiles: ['rpc', 'client'],
    may: ['contract', 'worker/rpc', 'storage', ...engineFolders],
    mayNot: ['worker/client'],
  },
  { name: 'lab', folder: 'lab', may: ['contract', ...engineFolders] },

  {
    name: 'app',
    folder: 'app',
    depths: [0],
    may: ['contract', 'app/store', 'app/panels', 'app/shell', 'app/tour', 'app/ui'],
  },
  { name: 'app/shell', folder: 'app/shell', may: ['contract', 'app/store', 'app/ui'] },
  {
    name: 'app/tour',
    folder: 'app/tour',
    may: ['contract', 'app/store', 'app/panels', 'app/charts', 'app/ui'],
  },
  { name: 'app/ui', folder: 'app/ui', may: [] },
  { name: 'app/charts', folder: 'app/charts', may: ['contract', 'app/ui'] },
  { name: 'app/store', folder: 'app/store', may: ['contract', 'worker/client', 'storage', 'hub'] },
  {
    name: 'app/panels',
    folder: 'app/panels',
    may: ['contract', 'app/ui', 'app/charts', 'app/store'],
    apart: true,
  },
].map((row) => (row.folder === 'text' ? row : { ...row, may: ['text', ...row.may] }));

/** Packages that only the named folders may import (`[]`: tests, benches and scripts only). */
export const packageFences = [
  { packages: ['onnxruntime-web', 'onnxruntime-common'], folders: engine('runtime') },
  {
    packages: ['@huggingface/tokenizers', '@huggingface/jinja'],
    folders: engine('tokenizer'),
  },
  { packages: ['plotly.js', 'plotly.js-dist-min'], folders: ['app/charts'] },
  { packages: ['zustand'], folders: ['app/store'] },
  {
    packages: ['react', 'react-dom', 'react-aria-components', 'react-aria', 'react-stately'],
    folders: ['app', 'app/ui', 'app/charts', 'app/store', 'app/panels', 'app/shell', 'app/tour'],
  },
  { packages: ['idb'], folders: ['storage'] },
  { packages: ['papaparse'], folders: engine('data') },
  // In Node, the runtime loads the package's build for Node.
  { packages: ['node:*'], folders: ['lab', 'engine/runtime'] },
  { packages: ['@jax-js/jax', 'ml-matrix', 'vitest', 'playwright', '@playwright/test'], folders: [] },
];

/** Members of global objects and the folders that may use them: no syntax rule of Biome covers these. */
export const memberFences = [
  { object: 'navigator', member: 'gpu', folders: engine('device') },
  { object: 'navigator', member: 'storage', folders: ['storage'] },
  { object: 'Math', member: 'random', folders: [], within: 'engine' },
];

/** Globals that a part of the tree must not use. */
export const globalFences = [
  {
    within: 'engine',
    names: [
      'window',
      'document',
      'localStorage',
      'sessionStorage',
      'self',
      'postMessage',
      'importScripts',
      'alert',
    ],
    reason: 'the engine has no page and no worker: it also runs in Node',
  },
  { outside: 'storage', names: ['indexedDB', 'IDBKeyRange'], reason: 'only storage/ keeps things' },
];

/**
 * Files beside the code that are not part of it: tests, benches, what they share (`x.testing.ts`), and the folder testing/.
 * They may import more, but those of the engine never the app.
 */
export const testFile = /(\.test|\.bench|\.testing)\.tsx?$|(^|\/)testing\//;
