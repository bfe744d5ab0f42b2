import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findChromium } from './find-chromium.mjs';

let folder = '';
const at = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'chromium-'));
  for (const name of ['chromium', 'google-chrome', 'mine']) {
    writeFileSync(at(name), '#!/bin/sh\n');
    chmodSync(at(name), 0o755);
  }
  writeFileSync(at('text'), 'no program');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('takes the one that the environment names, then the installed ones', () => {
  const PATH = `/absent:${folder}`;
  expect(findChromium({ PATH, LORI_CHROMIUM: at('mine'), CHROME_PATH: at('chromium') })).toBe(at('mine'));
  expect(findChromium({ PATH, CHROME_PATH: at('mine') })).toBe(at('mine'));
  expect(findChromium({ PATH, LORI_CHROMIUM: '' })).toBe(at('google-chrome'));
});

it('does not pass over a wrong path in the environment', () => {
  for (const path of [at('absent'), at('text')]) {
    expect(() => findChromium({ PATH: folder, LORI_CHROMIUM: path })).toThrow(
      `LORI_CHROMIUM is "${path}", which is not an executable file`,
    );
  }
});
