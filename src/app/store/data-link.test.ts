import { describe, expect, it } from 'vitest';
import { AS_DETECTED } from '../../contract/data';
import { initialData } from './data';
import { initialAnswers } from './data-answers';
import { dataLink, dataOfLink, readDataLink } from './data-link';
import type { DataOrigin } from './data-origin';

const read = (query: string) => readDataLink(new URLSearchParams(query));
const HUB = 'https://huggingface.co';
const gsm8k: DataOrigin = {
  ...{ kind: 'rows', base: HUB, dataset: 'openai/gsm8k', config: 'main', split: 'train', rows: 200 },
  sha256: '0123456789abcdef',
};
const text: DataOrigin = {
  ...{ kind: 'file', base: HUB, name: 'org/own', revision: 'main', commit: 'c'.repeat(40) },
  file: 'data/train.txt',
};

describe('a link of the Data place', () => {
  it.each([
    [{ kind: 'bundled' } as const, { 'data-set': 'bundled' }],
    [
      gsm8k,
      {
        'data-set': 'openai/gsm8k',
        'data-config': 'main',
        'data-split': 'train',
        'data-rows': '200',
        'data-sha256': '0123456789abcdef',
      },
    ],
    [{ ...gsm8k, rows: null, sha256: null }, { 'data-rows': 'all' }],
    [text, { 'data-set': `org/own@${'c'.repeat(40)}`, 'data-file': 'data/train.txt' }],
  ])('names the set %o, how it is read and marked, and asks for the same', (origin, values) => {
    const settings = {
      draft: { ...initialData.draft, seed: 7, words: '3-80' },
      reading: {
        format: 'columns' as const,
        columns: { question: 'frage & co', answer: 'antwort' },
        annotations: 'remove' as const,
      },
      rule: 'text' as const,
      answers: { ...initialAnswers, limit: 64 },
    };
    const link = dataLink({ ...settings, origin, asked: null });
    expect(link).toMatchObject({
      ...{ ...values, 'data-seed': '7', 'data-words': '3-80', 'data-rule': 'text', 'data-limit': '64' },
    });
    const found = read(`${new URLSearchParams(link)}`);
    expect(found).toEqual({ data: link, problems: [] });
    const { asked, draft, answers } = dataOfLink(found.data);
    const pinned = origin.kind === 'file' ? { ...origin, revision: 'c'.repeat(40), commit: null } : origin;
    expect({ asked, draft, answers }).toEqual({
      asked: { origin: pinned, reading: settings.reading, rule: 'text' },
      draft: settings.draft,
      answers: settings.answers,
    });
    // Until that is here, the address keeps asking for it.
    expect(dataLink({ ...initialData, draft, asked, answers })).toEqual(link);
  });

  it('names neither files of one’s own nor a mirror’s, but what is chosen of them', () => {
    const { draft, reading, answers } = initialData;
    for (const origin of [null, { ...gsm8k, base: 'https://hf.example' }])
      expect(dataLink({ draft, reading, rule: 'text', origin, asked: null, answers })).toEqual({
        'data-rule': 'text',
      });
    expect(dataOfLink({ 'data-rule': 'text' }).asked).toEqual({
      origin: null,
      reading: AS_DETECTED,
      rule: 'text',
    });
    expect(dataOfLink({ 'data-seed': '3' }).asked).toBeNull();
  });

  it('fills in the form, with the file still to be chosen where it names none', () => {
    expect(dataOfLink(read('data-set=org/own').data).hub).toMatchObject({
      ...{ place: 'hub', way: 'file', repository: 'org/own', file: '' },
    });
    expect(dataOfLink(read('data-set=org/own&data-config=a&data-split=test').data).hub).toMatchObject({
      ...{ place: 'hub', way: 'rows', rows: { dataset: 'org/own', config: 'a', split: 'test', rows: 200 } },
    });
  });

  it.each([
    ['data-seed=-1', 'unknown data-seed "-1": expected a whole number from 0 to 2147483647'],
    ['data-sample=0', 'unknown data-sample "0": expected a whole number from 1 to 1024'],
    ['data-limit=0', 'unknown data-limit "0": expected a whole number from 1 to 4096'],
    ['data-steps=5-2', 'unknown data-steps "5-2": expected a range such as 3-8, 3- or -8'],
    ['data-rule=best', /^unknown data-rule "best": expected gsm8k, last-number, /],
    ['data-format=xml', /^unknown data-format "xml": expected gsm8k, icot, /],
    ['data-annotations=no', 'unknown data-annotations "no": expected keep, remove'],
    ['data-question=q', /^of the columns only data-question is given: expected both/],
    ['data-config=main', 'data-config without data-set: no data set is named'],
    ['data-set=../x', /^the data set: .*is not the name of a data set\. Write it as/],
    ['data-set=gpt2', /^the data set: .*is not the name of a data set/],
    ['data-set=bundled&data-rows=5', /^data-rows cannot be chosen of the bundled rows/],
    ['data-set=a/b&data-config=c', /^the data set "a\/b": Type its configuration and split/],
    [
      'data-set=a/b&data-config=c&data-split=d&data-rows=0',
      'unknown data-rows "0": expected a whole number from 1, or all',
    ],
    [
      'data-set=a/b&data-config=c&data-split=d&data-sha256=xyz',
      /^unknown data-sha256 "xyz": expected 16 hex/,
    ],
    [
      'data-set=a/b@old&data-config=c&data-split=d',
      /has a revision, which the dataset viewer does not serve/,
    ],
    ['data-set=a/b&data-config=c&data-split=d&data-file=x.txt', /has both data-file and data-config/],
    [
      'data-set=https://huggingface.co/datasets/a/b/resolve/main/x.txt',
      /is the address of a file: expected org\/name and data-file/,
    ],
  ])('says what is wrong with %s, and takes none of it', (query, problem) => {
    expect(read(query)).toEqual({
      data: {},
      problems: [typeof problem === 'string' ? problem : expect.stringMatching(problem)],
    });
  });

  it('follows the rest where one value is wrong', () => {
    const { data } = read('data-set=bundled&data-rule=best&data-seed=3');
    expect(data).toEqual({ 'data-set': 'bundled', 'data-seed': '3' });
  });
});
