import { describe, expect, it } from 'vitest';
import type { LensCost } from '../../../../contract/lens';
import { costWords } from './cost-words';

const cost: LensCost = {
  matrices: 488,
  largest: [1440, 896],
  bytes: 172e6,
  limit: 2 ** 30,
  passing: ['random-tokens', 'other-prompt'],
  reading: { samples: 48, tokens: 7680 },
  seconds: { reading: 270, decomposing: 41.2 },
};

describe('what a request takes', () => {
  it('names matrices, memory and both times', () => {
    expect(costWords(cost)).toBe(
      '488 matrices, the largest 1,440 × 896, in 172.0 MB of memory. Reading 48 samples (7,680 tokens) takes about 4 min 30 s; decomposing takes about 41 s. Hidden states of random tokens and another prompt are not kept, so another request reads them again.',
    );
  });
  it('says what is not known, and what is there from before', () => {
    const words = costWords({ ...cost, passing: [], seconds: { reading: null, decomposing: null } });
    expect(words).toContain('How long reading 48 samples (7,680 tokens) takes is known once');
    expect(words).toContain(
      'how long decomposing takes is known once something has been decomposed on this GPU',
    );
    expect(words).not.toContain('not kept');
    expect(
      costWords({ ...cost, reading: { samples: 0, tokens: 0 }, seconds: { reading: 0, decomposing: 0.35 } }),
    ).toContain('The hidden states are already cached; decomposing takes about 350 ms.');
  });
});
