import { describe, expect, it } from 'vitest';
import { MAX_CONTENDERS } from '../../contract/arena';
import { METHODS } from '../../contract/methods/index';
import { PRESETS } from '../../contract/presets';
import { arenaLink, arenaOfLink, notInLink, readArenaLink } from './arena-link';
import { formatLink, parseLink } from './link';

const read = (query: string) => readArenaLink(new URLSearchParams(query), METHODS);
const planOf = (query: string) => arenaOfLink(read(query).arena, METHODS);
const ids = PRESETS.map(({ id }) => id).join(', ');

describe('a link of the Arena', () => {
  it.each([
    '',
    'contenders=ce-128,nocot-128&arena-seeds=1-5,9&arena-problems=1000&baseline=nocot-128',
    'contenders=',
    'ablation=lori-anchor',
    'ablation=lori-anchor&contenders=ce-128&arena-seeds=1-10&arena-problems=50&baseline=HOOI',
  ])('names contenders, seeds, problems and baseline, and comes back: %s', (query) => {
    const { arena, problems } = read(query);
    expect(problems).toEqual([]);
    expect(arenaLink(arenaOfLink(arena, METHODS), METHODS)).toEqual(arena);
    const hash = `#/arena${query && `?${query}`}`;
    expect(parseLink(hash)).toMatchObject({ link: { arena }, problems: [] });
    expect(formatLink(parseLink(hash).link)).toBe(hash);
  });

  it('leaves out what is the default, also that of an ablation', () => {
    const plan = planOf('arena-seeds=1-10&arena-problems=200&baseline=ce-128');
    expect(arenaLink(plan, METHODS)).toEqual({});
    const { seeds, baseline, others, axis } = planOf('ablation=lori-anchor');
    expect([seeds, baseline, others.length, axis?.ablation]).toEqual(['1-5', 'without', 3, 'lori-anchor']);
    expect(arenaLink(planOf('ablation=lori-anchor&arena-seeds=1-5'), METHODS)).toEqual({
      ablation: 'lori-anchor',
    });
  });

  it('is followed where it has former names of presets', () => {
    const plan = planOf('contenders=lori-128,ce-128&baseline=lori-128');
    expect(plan).toMatchObject({ presets: ['lori-results-128', 'ce-128'], baseline: 'lori-results-128' });
  });

  it('does not carry settings of one’s own, kept students, or an ablation that was changed', () => {
    const plan = planOf('ablation=lori-anchor&contenders=ce-128');
    const [first, ...others] = plan.others;
    const changed = { ...plan, others };
    expect(arenaLink(changed, METHODS)).toEqual({ contenders: 'ce-128', 'arena-seeds': '1-5' });
    expect([notInLink(plan, METHODS), notInLink(changed, METHODS)]).toEqual([0, 2]);
    const own = { ...planOf(''), others: [first!], kept: [{ name: 'x', run: 'r', seed: 1 }] };
    expect(notInLink(own, METHODS)).toBe(2);
    // Their baseline is in no link either.
    expect(arenaLink({ ...own, baseline: first!.name }, METHODS)).toEqual({});
  });

  it('keeps out what is half typed', () => {
    const plan = { ...planOf(''), seeds: '1-', heldOut: Number.NaN };
    expect(arenaLink(plan, METHODS)).toEqual({});
  });

  it.each([
    ['ablation=best', /^unknown ablation "best": expected lori-/],
    [
      'contenders=ce-128,nope',
      `unknown contenders "ce-128,nope": expected at most ${MAX_CONTENDERS} of ${ids}, each once, separated by commas`,
    ],
    ['contenders=ce-128,ce-128', /^unknown contenders "ce-128,ce-128"/],
    [
      `contenders=${Array.from({ length: MAX_CONTENDERS + 1 }, (_, i) => PRESETS[i % PRESETS.length]?.id).join(',')}`,
      /^unknown contenders /,
    ],
    [
      'arena-seeds=x',
      'unknown arena-seeds "x": expected numbers from 0 to 2147483647 and ranges such as 1-10,20, at most 100 of them',
    ],
    ['arena-seeds=1-101', /^unknown arena-seeds "1-101"/],
    ['arena-problems=0', 'unknown arena-problems "0": expected a whole number from 1 to 5000'],
    ['baseline=nope', /^unknown baseline "nope": expected one of the contenders, lori-results-128, /],
    [
      'contenders=ce-128&baseline=nocot-128',
      'unknown baseline "nocot-128": expected one of the contenders, ce-128',
    ],
  ])('says what is wrong with %s, and takes the rest', (query, problem) => {
    const { arena, problems } = read(
      `${query}&${query.startsWith('arena-problems') ? 'arena-seeds=3' : 'arena-problems=30'}`,
    );
    expect(problems).toEqual([typeof problem === 'string' ? problem : expect.stringMatching(problem)]);
    const [key = ''] = (query.split('&').at(-1) ?? '').split('=');
    expect(arena).not.toHaveProperty(key);
    expect(Object.keys(arena).some((one) => one.startsWith('arena-'))).toBe(true);
  });
});
