import { describe, expect, it } from 'vitest';
import {
  apiOf,
  fileAddress,
  HUB,
  isDataSet,
  isHub,
  nameOf,
  parseBase,
  parseDataSource,
  parseSource,
  writeSource,
} from './source';

describe('a source', () => {
  it.each([
    ['org/name', 'org/name', 'main'],
    [' gpt2 ', 'gpt2', 'main'],
    ['org/name@v1.0', 'org/name', 'v1.0'],
    ['org/name@refs/pr/3', 'org/name', 'refs/pr/3'],
    ['https://huggingface.co/org/name', 'org/name', 'main'],
    ['https://huggingface.co/org/name/', 'org/name', 'main'],
    ['huggingface.co/org/name/tree/v2', 'org/name', 'v2'],
    ['https://hf.co/org/name/blob/main/config.json', 'org/name', 'main'],
    [
      'https://www.huggingface.co/org/name/resolve/refs%2Fpr%2F1/config.json?download=true',
      'org/name',
      'refs/pr/1',
    ],
    ['https://huggingface.co/gpt2/tree/main', 'gpt2', 'main'],
  ])('%s', (text, id, revision) => {
    expect(parseSource(text)).toEqual({ base: HUB, id, revision });
    const source = parseSource(text);
    expect(parseSource(writeSource(source))).toEqual(source);
  });

  it.each([
    ['', /no model/],
    ['org/name/more', /not the name/],
    ['../etc', /not the name/],
    ['org/..', /not the name/],
    ['org name', /not the name/],
    ['org/name@', /not a revision/],
    ['org/name@a@b', /not a revision/],
    ['org/name@../x', /not a revision/],
    ['https://huggingface.co/datasets/org/name', /datasets, not a model/],
    ['https://example.org/org/name', /address of example\.org/],
    ['https://huggingface.co.example.org/org/name', /address of huggingface\.co\.example\.org/],
    ['https://huggingface.co/org/name/tree/%E0%A4%A', /not a revision/],
  ])('refuses %j and says what to write instead', (text, said) => {
    expect(() => parseSource(text)).toThrow(said);
    expect(() => parseSource(text)).toThrow(
      expect.objectContaining({ code: 'input', hint: expect.stringMatching(/\w/) }),
    );
  });

  it('on a mirror is named as on the Hub, or by an address on that mirror', () => {
    const base = 'https://mirror.example/hf';
    const expected = { base, id: 'org/name', revision: 'v1' };
    expect(parseSource('org/name@v1', base)).toEqual(expected);
    expect(parseSource('https://mirror.example/hf/org/name/tree/v1', base)).toEqual(expected);
    expect(() => parseSource('https://huggingface.co/org/name', base)).toThrow(/not of the mirror/);
    expect(() => parseSource('https://mirror.example/org/name', base)).toThrow(/address of mirror\.example/);
  });
});

describe('the address of a host', () => {
  it.each([
    ['hf-mirror.com', 'https://hf-mirror.com'],
    ['https://mirror.example/hf/', 'https://mirror.example/hf'],
    ['http://localhost:8000', 'http://localhost:8000'],
    ['http://127.0.0.1:8000/', 'http://127.0.0.1:8000'],
  ])('%s', (text, base) => expect(parseBase(text)).toBe(base));

  it.each([
    '',
    'http://mirror.example',
    'ftp://x',
    'https://user:word@x',
    'https://x/?a=1',
    'https://',
    'javascript://x',
  ])('%j is refused', (text) =>
    expect(() => parseBase(text)).toThrow(expect.objectContaining({ code: 'input' })),
  );

  it('is the Hub’s only if it matches exactly', () => {
    expect(isHub(parseBase('huggingface.co'))).toBe(true);
    for (const text of [
      'https://huggingface.co:8443',
      'https://huggingface.co/x',
      'https://x.huggingface.co',
    ])
      expect(isHub(parseBase(text))).toBe(false);
  });
});

it('the address of a file names the commit, and is escaped', () => {
  const source = { base: HUB, id: 'org/name', revision: 'refs/pr/1' };
  expect(fileAddress({ ...source, commit: null }, 'a b/c.json')).toBe(
    'https://huggingface.co/org/name/resolve/refs%2Fpr%2F1/a%20b/c.json',
  );
  expect(fileAddress({ ...source, commit: 'c'.repeat(40) }, 'x')).toContain(`/resolve/${'c'.repeat(40)}/x`);
});

describe('a data set', () => {
  const COMMIT = 'a'.repeat(40);
  it.each([
    ['org/own', 'main', null],
    [' datasets/org/own ', 'main', null],
    ['org/own@v2', 'v2', null],
    ['https://huggingface.co/datasets/org/own', 'main', null],
    ['huggingface.co/datasets/org/own/tree/v2/data', 'v2', null],
    [
      `https://huggingface.co/datasets/org/own/blob/${COMMIT}/data/my%20train.txt`,
      COMMIT,
      'data/my train.txt',
    ],
    ['https://huggingface.co/datasets/org/own/resolve/main/train.json?download=true', 'main', 'train.json'],
  ])('is read from %s', (text, revision, file) => {
    expect(parseDataSource(text)).toEqual({ base: HUB, id: 'datasets/org/own', revision, file });
  });

  it('has addresses of its own on its host, also on a mirror’s path', () => {
    const source = parseDataSource(
      'https://m.example/hf/datasets/org/own/raw/main/a.txt',
      'https://m.example/hf',
    );
    expect(source).toMatchObject({ base: 'https://m.example/hf', id: 'datasets/org/own', file: 'a.txt' });
    expect(apiOf(source)).toBe('https://m.example/hf/api/datasets/org/own');
    expect(fileAddress({ ...source, commit: null }, 'data/a b.txt')).toBe(
      'https://m.example/hf/datasets/org/own/resolve/main/data/a%20b.txt',
    );
    expect([isDataSet(source), nameOf(source)]).toEqual([true, 'org/own']);
    // A model's owner may be called so.
    expect(apiOf(parseSource('datasets/own'))).toBe(`${HUB}/api/models/datasets/own`);
  });

  it.each([
    ['', /no data set is named/],
    ['gsm8k', /"gsm8k" is not the name of a data set/],
    ['org/own/more', /is not the name of a data set/],
    ['https://huggingface.co/org/own', /is not the address of a data set/],
    ['https://other.example/datasets/org/own', /is an address of other\.example/],
  ])('is not %s', (text, message) => {
    expect(() => parseDataSource(text)).toThrow(message);
  });
});
