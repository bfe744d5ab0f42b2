import { describe, expect, it } from 'vitest';
import { InterventionTextError, readInterventions, writeInterventions } from './intervention-text';
import { type Intervention, permutation } from './latents';

const LATENT = { site: 'latent' } as const;
const ALL: Intervention[] = [
  { step: 1, at: LATENT, operation: { kind: 'zero' } },
  { step: 2, at: LATENT, operation: { kind: 'noise', seed: 7 } },
  { step: 2, at: { site: 'mlp.out', layer: 3 }, operation: { kind: 'scale', factor: -0.1 } },
  { step: 3, at: LATENT, operation: { kind: 'replace', by: { kind: 'token', token: ' a;"b\\",(é' } } },
  {
    step: 3,
    at: { site: 'residual', layer: 12 },
    operation: {
      kind: 'interpolate',
      with: { kind: 'thought', step: 2, question: 'held-out-3' },
      share: 1 / 3,
    },
  },
  {
    step: 4,
    at: LATENT,
    operation: { kind: 'add', vector: { kind: 'difference', plus: '12', minus: '7' }, factor: 1e-7 },
  },
  {
    step: 4,
    at: LATENT,
    operation: { kind: 'remove', vector: { kind: 'direction', problems: 32, index: 2 } },
  },
  { step: 5, at: LATENT, operation: { kind: 'replace', by: { kind: 'mean', problems: 16 } } },
  {
    step: 5,
    at: LATENT,
    operation: { kind: 'project', rank: 8, problems: 64, centre: true, keep: 'outside' },
  },
  {
    step: 6,
    at: LATENT,
    operation: { kind: 'replace', by: { kind: 'values', values: [0.1, Math.fround(0.1), -2e-9, 3] } },
  },
  { of: 'question', step: 512, at: LATENT, operation: { kind: 'zero' } },
  {
    ...{ of: 'question', step: 5, at: { site: 'residual', layer: 2 } },
    operation: { kind: 'replace', by: { kind: 'question', token: 4, question: 'held-out-3' } },
  },
  {
    ...{ of: 'prompt', step: 1, at: { site: 'mlp.in', layer: 1 } },
    operation: { kind: 'add', vector: { kind: 'prompt', token: 2 }, factor: 2 },
  },
];

it('writes every operation and vector so that it is read back as it was', () => {
  const text = writeInterventions(ALL);
  expect(readInterventions(text)).toEqual(ALL);
  expect(text).toContain('z2@mlp.out.3:scale(-0.1)');
  expect(text).toContain('q5@residual.2:replace(question(4,"held-out-3"));p1@mlp.in.1:add(prompt(2),2)');
  expect(readInterventions('')).toEqual([]);
});

describe('refuses, saying where and what was expected', () => {
  it.each([
    ['z2', 'z and a step'],
    ['z2:blur', '"blur"; one of zero, noise'],
    ['z2:zero(1)', 'zero has 1 values; none is expected'],
    ['z2:scale', 'scale has 0 values; (factor)'],
    ['z2:scale("x")', 'operation.factor'],
    ['z2:add(token("a"),1', ', or )'],
    ['z2:add(mean(mean(3)),1)', 'a number or a string'],
    ['z2:replace(word("a"))', '"word"; one of token'],
    ['z0:zero', 'step'],
    ['z65:zero', 'a thought from 1 to'],
    ['q0:zero', 'step'],
    ['a2:zero', 'q or p and a token'],
    ['z2@norm.1:zero', 'at'],
    ['z2:zero;', 'z and a step'],
    ['z2:zero z3:zero', '; or the end'],
    ['z2:project(2,3,"maybe","inside")', '"centred" or "uncentred"'],
    [Array.from({ length: 65 }, () => 'z1:zero').join(';'), 'more than 64'],
  ])('%s', (text, expected) => {
    expect(() => readInterventions(text)).toThrow(InterventionTextError);
    expect(() => readInterventions(text)).toThrow(expected);
  });
});

it('permutes thoughts by feeding each moved step the thought of another', () => {
  expect(writeInterventions(permutation([2, 1, 3]))).toBe('z1:replace(thought(2));z2:replace(thought(1))');
});
