import { describe, expect, it } from 'vitest';
import architecture from '../../../ARCHITECTURE.md?raw';
import { RECIPES } from '../methods/index';

/** A recipe is read as its paper's section is: one file, short, on its own. */
const MAX_LINES = 60;

const files = import.meta.glob<string>(['./*.ts', '!./*.test.ts', '!./*.testing.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** Lines of the function that records, with its braces; undefined where the file has none. */
function recordingOf(source: string): number | undefined {
  const from = source.search(/\brecord(\(|:)/);
  if (from < 0) return undefined;
  let depth = 0;
  for (let i = from; i < source.length; i++) {
    if ('({'.includes(source[i] as string)) depth++;
    if (')}'.includes(source[i] as string)) depth--;
    if (depth === 0 && ',;}'.includes(source[i] as string) && i > source.indexOf('{', from))
      return source.slice(from, i).split('\n').length;
  }
  return undefined;
}

describe.each(Object.entries(files))('%s', (_path, source) => {
  it(`records in at most ${MAX_LINES} lines`, () => {
    expect(recordingOf(source) ?? 0).toBeLessThanOrEqual(MAX_LINES);
  });

  it('imports no other recipe', () => {
    expect(source.match(/from '\.\/[a-z-]+'/g) ?? []).toEqual([]);
  });
});

it('there is a file for every recipe, and the bound would be noticed', () => {
  expect(Object.keys(files).length).toBe(Object.keys(RECIPES).length);
  const long = `record(tape) {\n${'  tape.x();\n'.repeat(MAX_LINES)}  },`;
  expect(recordingOf(long)).toBeGreaterThan(MAX_LINES);
  expect(recordingOf('record(tape, { a }) {\n  a();\n},\n')).toBe(3);
});

it('LoRi’s recipe stands in ARCHITECTURE.md as it is recorded', () => {
  const linesOf = (text = '') =>
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  const [, shown] = /LoRi's recipe, whole.*?```ts\n(.*?)```/s.exec(architecture) ?? [];
  const [, recorded] =
    /const \{ latent, weights \} = config;\n(.*?)\n {2}\},/s.exec(files['./lori.ts'] as string) ?? [];
  expect(linesOf(shown)).toEqual(linesOf(recorded));
  expect(linesOf(shown).length).toBeGreaterThan(3);
});
