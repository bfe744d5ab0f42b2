import { describe, expect, it } from 'vitest';
import { FileError } from '../../base/errors';
import { parseManifest } from './manifest';

const model = (name: string) => ({
  name,
  folder: name,
  licence: 'MIT',
  files: [{ name: 'config.json', bytes: 12, sha256: 'ab' }],
  measured: [{ what: 'accuracy', value: '99 %' }],
});
const whole = () => ({
  base: model('base'),
  teacher: model('teacher'),
  data: { description: 'sums', problems: 'chains', seed: 1, minSteps: 1, maxSteps: 4 },
});

describe('parseManifest', () => {
  it('reads what it knows and ignores the rest', () => {
    const json = whole();
    Object.assign(json.base, { command: 'train.py', parameters: 3 });
    expect(parseManifest(json)).toEqual(whole());
  });

  it('draws chains if the manifest does not say what to draw', () => {
    const { data, ...rest } = whole();
    const { problems: _, ...older } = data;
    expect(parseManifest({ ...rest, data: older })).toEqual(whole());
  });

  const bad: [string, (m: ReturnType<typeof whole>) => unknown, string][] = [
    ['a list', () => [], 'the file is []'],
    ['null', () => null, 'the file is null'],
    ['no teacher', ({ base, data }) => ({ base, data }), 'teacher is missing'],
    ['a list of models', (m) => ({ ...m, base: [m.base] }), 'base is ['],
    ['no licence', (m) => ({ ...m, base: { ...m.base, licence: undefined } }), 'base.licence is missing'],
    [
      'files by name',
      (m) => ({ ...m, base: { ...m.base, files: {} } }),
      'base.files is an object, expected a list',
    ],
    [
      'a negative length',
      (m) => ({ ...m, teacher: { ...m.teacher, files: [{ name: 'x', bytes: -1, sha256: '' }] } }),
      'teacher.files[0].bytes is -1',
    ],
    [
      'a length in text',
      (m) => ({ ...m, teacher: { ...m.teacher, files: [{ name: 'x', bytes: '12', sha256: '' }] } }),
      'teacher.files[0].bytes is "12"',
    ],
    [
      'no sha256',
      (m) => ({ ...m, base: { ...m.base, files: [...m.base.files, { name: 'x', bytes: 1 }] } }),
      'base.files[1].sha256 is missing',
    ],
    [
      'a number measured',
      (m) => ({ ...m, base: { ...m.base, measured: [{ what: 'x', value: 3 }] } }),
      'base.measured[0].value is 3',
    ],
    [
      'problems that nothing draws',
      (m) => ({ ...m, data: { ...m.data, problems: 'riddles' } }),
      'data.problems is "riddles", expected one of chains, stories',
    ],
    ['half a step', (m) => ({ ...m, data: { ...m.data, minSteps: 0.5 } }), 'data.minSteps is 0.5'],
    ['inherited names', (m) => Object.create(m) as unknown, 'base is missing'],
  ];
  it.each(bad)('refuses %s', (_name, change, message) => {
    const read = () => parseManifest(change(whole()));
    expect(read).toThrow(FileError);
    expect(read).toThrow(`manifest.json: ${message}`);
  });
});
