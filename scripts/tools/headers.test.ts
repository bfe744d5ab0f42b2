import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';
import { root } from './folders.mjs';
import { contentSecurityPolicy } from './headers.mjs';

const page = readFileSync(join(root, 'index.html'), 'utf8');
const [script = '', ...others] = Array.from(page.matchAll(/<script>(.*?)<\/script>/gs), ([, code]) => code);

describe('the inline script of index.html', () => {
  it('is the only one, and the one whose hash the policy allows', () => {
    expect(others).toEqual([]);
    const hash = createHash('sha256').update(script).digest('base64');
    expect(contentSecurityPolicy).toContain(`script-src 'self' 'wasm-unsafe-eval' 'sha256-${hash}';`);
  });

  const replaced = (address: string): string | undefined => {
    const { pathname, search, hash } = new URL(address, 'http://localhost');
    const replace = vi.fn();
    runInNewContext(script, { location: { pathname, search, hash, replace } });
    return replace.mock.calls[0]?.[0];
  };

  it('adds the last slash that an address lacks, and keeps the rest', () => {
    expect(replaced('/lori')).toBe('/lori/');
    expect(replaced('/some/lori?a=1#/distil?x=2')).toBe('/some/lori/?a=1#/distil?x=2');
  });

  it('leaves alone an address that has it, and its own result: there is no loop', () => {
    for (const address of ['/', '/lori/', '/lori/?a=/b', '/lori/#/model', '/lori/index.html'])
      expect(replaced(address), address).toBeUndefined();
    expect(replaced(replaced('/lori') as string)).toBeUndefined();
  });
});
