import { expect, it } from 'vitest';
import { parseRunConfig } from '../../../contract/config';
import { ranksUsed } from './ranks-used';

it('says which ranks were cut, beside what was asked for', () => {
  const config = parseRunConfig({ method: 'lori', factors: { hiddenRank: 400, layerRank: 3 } });
  expect(ranksUsed({ config, ranksUsed: { 'factors.hiddenRank': 140 } })).toEqual([
    expect.stringMatching(/^[A-Z].*: 140 used of 400 requested$/),
  ]);
  expect(ranksUsed({ config, ranksUsed: {} })).toEqual([]);
  expect(ranksUsed({ config })).toEqual([]);
});
