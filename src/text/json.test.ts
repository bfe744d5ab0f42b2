import { describe, expect, it } from 'vitest';
import { JsonError, MAX_JSON_DEPTH, readJson, readJsonDigits } from './json';

const refusal = (source: string | Uint8Array): JsonError => {
  try {
    readJson(source);
  } catch (error) {
    expect(error).toBeInstanceOf(JsonError);
    return error as JsonError;
  }
  throw new Error('was read');
};
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('readJson', () => {
  it('reads what JSON.parse reads, also after a byte order mark and with CRLF', () => {
    const text = '{"a": [1, "[{\\"", {"b": null}],\r\n "__proto__": 2}';
    expect(readJson(text)).toEqual(JSON.parse(text));
    expect(readJson(`\ufeff${text}`)).toEqual(JSON.parse(text));
    expect(readJson(new TextEncoder().encode(`\ufeff${text}`))).toEqual(JSON.parse(text));
  });

  it('bounds nesting, not counting brackets inside strings', () => {
    expect(readJson(nested(MAX_JSON_DEPTH))).toBeInstanceOf(Array);
    expect(refusal(nested(MAX_JSON_DEPTH + 1)).message).toBe('nested more than 64 levels deep');
    expect(refusal('[{"a":'.repeat(500_000)).message).toContain('nested');
    expect(readJson(JSON.stringify('['.repeat(1000)))).toHaveLength(1000);
  });

  it.each([
    ['a key twice', '{"a": 1, "\\u0061": 2}', '"a" appears twice'],
    ['NaN', '{"a": NaN}', 'it holds NaN'],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:5e', 'Git LFS pointer'],
    ['a web page', '<!doctype html><html></html>', 'web page (HTML)'],
    ['half a file', '{"a": [1, 2', 'not valid JSON'],
    ['half a string', '{"a', 'not valid JSON'],
    ['UTF-16', new Uint8Array([0xff, 0xfe, 0x7b, 0x00]), 'UTF-16'],
    ['bytes', new Uint8Array([0x7b, 0x80]), 'not valid UTF-8'],
  ])('names %s', (_what, source, words) => {
    const { message, hint } = refusal(source);
    expect(message).toContain(words);
    expect(hint).toMatch(/^[A-Z].*\.$/);
  });
});

describe('readJsonDigits', () => {
  it('gives as text what a number would not hold, and all else as it is', () => {
    const text =
      '{"a": 9007199254740993, "b": [-9007199254740993, 9007199254740992], "c": "9007199254740993 \\" 9007199254740993", "d": 3244047.0999999996, "e": 12345678901234567.5, "f": 1.5e21, "9007199254740993": 0.1234567890123456}';
    expect(readJsonDigits(text)).toEqual({
      a: '9007199254740993',
      b: ['-9007199254740993', 9007199254740992],
      c: '9007199254740993 " 9007199254740993',
      d: 3244047.0999999996,
      e: '12345678901234567.5',
      f: 1.5e21,
      '9007199254740993': 0.1234567890123456,
    });
    expect(readJsonDigits(new TextEncoder().encode('\ufeff[9007199254740993]'))).toEqual([
      '9007199254740993',
    ]);
    expect(() => readJsonDigits('{"a": 9007199254740993')).toThrow(JsonError);
  });
});
