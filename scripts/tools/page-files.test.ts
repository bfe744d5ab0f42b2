import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { pageFiles } from './page-files.mjs';

it('lists every file of a build that a browser reads, under a version that changes with any of them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'page-files-'));
  try {
    mkdirSync(join(folder, 'assets/deep'), { recursive: true });
    const write = (path: string, text: string) => writeFileSync(join(folder, path), text);
    for (const path of [
      'index.html',
      'assets/deep/a.js',
      'assets/b.woff2',
      'assets/b.ttf',
      'assets/a.js.map',
    ])
      write(path, path);
    const first = pageFiles(folder);
    expect(first.files.map(({ path }) => path)).toEqual(['assets/b.woff2', 'assets/deep/a.js', 'index.html']);
    const sha256 = createHash('sha256').update('index.html').digest('hex');
    expect(first.files.at(-1)).toEqual({ path: 'index.html', bytes: 10, sha256 });
    write('page-files.json', JSON.stringify(first));
    expect(pageFiles(folder)).toEqual(first);
    write('assets/deep/a.js', 'other');
    expect(pageFiles(folder).version).not.toBe(first.version);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
