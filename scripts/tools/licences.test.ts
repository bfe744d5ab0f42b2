import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './folders.mjs';
import { checkLicences, isPermissive } from './licences.mjs';

it('accepts what the project depends on', () => {
  expect(checkLicences(root)).toEqual([]);
});

it('reads expressions', () => {
  expect(isPermissive('(MIT OR GPL-3.0-only)')).toBe(true);
  expect(isPermissive('MIT AND GPL-3.0-only')).toBe(false);
  expect(isPermissive('GPL-3.0-only')).toBe(false);
  expect(isPermissive('SEE LICENSE IN x')).toBe(false);
});

it('names a package whose licence is not permissive, is absent, or that comes from elsewhere', () => {
  const folder = mkdtempSync(join(tmpdir(), 'licences-'));
  const packages = {
    '': { license: 'none of its business' },
    'node_modules/free': { version: '1.0.0', license: 'MIT' },
    'node_modules/tool': { version: '1.0.0', license: 'GPL-3.0-only', dev: true },
    'node_modules/copyleft': { version: '1.0.0', license: 'GPL-3.0-only' },
    'node_modules/silent': { version: '1.0.0' },
    'node_modules/astray': {
      version: '1.0.0',
      license: 'MIT',
      resolved: 'https://mirror.invalid/astray.tgz',
    },
  };
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages }));
  const complaints = checkLicences(folder);
  rmSync(folder, { recursive: true });
  expect(complaints).toHaveLength(3);
  expect(complaints[0]).toContain('node_modules/copyleft: licence "GPL-3.0-only"');
  expect(complaints[1]).toContain('node_modules/silent: no licence');
  expect(complaints[2]).toContain('mirror.invalid');
});
