import { describe, expect, it } from 'vitest';
import { writeInterventions } from '../../contract/intervention-text';
import { drafted, draftedText, type InterveneDraft, initialIntervention } from './intervene-draft';

const written = (change: Partial<InterveneDraft>, K = 4) => {
  const { interventions, problem } = drafted({ ...initialIntervention, ...change }, K);
  return interventions ? writeInterventions(interventions) : problem;
};

describe('the form for interventions', () => {
  it.each([
    [{}, 'z1:zero'],
    [{ kind: 'noise', seed: 7, step: 3 }, 'z3:noise(7)'],
    [{ kind: 'scale', factor: -2, site: 'mlp.out', layer: 2 }, 'z1@mlp.out.2:scale(-2)'],
    [{ kind: 'replace', token: ' 12' }, 'z1:replace(token(" 12"))'],
    [{ kind: 'add', vector: 'difference', token: '1', minus: '2' }, 'z1:add(difference("1","2"),1)'],
    [{ kind: 'interpolate', vector: 'thought', thought: 2 }, 'z1:interpolate(thought(2),0.5)'],
    [{ kind: 'replace', vector: 'thought', question: ' held-out-3 ' }, 'z1:replace(thought(1,"held-out-3"))'],
    [{ kind: 'remove', vector: 'direction', index: 2 }, 'z1:remove(direction(32,2))'],
    [{ kind: 'project', keep: 'outside', centre: false }, 'z1:project(4,32,"uncentred","outside")'],
    [{ kind: 'replace', vector: 'values', values: '[1, 2.5e-3\n-4]' }, 'z1:replace(values(1,0.0025,-4))'],
    [{ of: 'question', step: 90, site: 'residual', layer: 2 }, 'q90@residual.2:zero'],
    [{ of: 'prompt', step: 2, kind: 'noise', seed: 3 }, 'p2:noise(3)'],
    [
      { of: 'question', step: 3, kind: 'replace', vector: 'question', thought: 5, question: 'held-out-4' },
      'q3:replace(question(5,"held-out-4"))',
    ],
    [{ kind: 'permute', order: '2 1 3, 4' }, 'z1:replace(thought(2));z2:replace(thought(1))'],
    [
      { kind: 'permute', order: '' },
      'z1:replace(thought(4));z2:replace(thought(3));z3:replace(thought(2));z4:replace(thought(1))',
    ],
  ] as [Partial<InterveneDraft>, string][])('%j is %s', (change, text) => {
    expect(written(change)).toBe(text);
  });

  it.each([
    [{ kind: 'replace' }, 'Type the token.'],
    [{ kind: 'add', vector: 'difference', token: '1' }, 'Type both tokens.'],
    [{ kind: 'replace', vector: 'values', values: '1 x' }, '“x” is not a number.'],
    [{ kind: 'replace', vector: 'values' }, 'Paste the values.'],
    [{ kind: 'permute', order: '1 2 3' }, 'Write each of 1 to 4 once'],
    [{ kind: 'permute', order: '1 2 3 4' }, 'already their order'],
    [{ kind: 'scale', factor: Number.NaN }, 'factor'],
    [{ kind: 'project', problems: 0 }, 'problems'],
  ] as [Partial<InterveneDraft>, string][])('%j is refused: %s', (change, problem) => {
    expect(written(change)).toContain(problem);
  });

  it('also accepts them as text', () => {
    expect(draftedText('z2:zero').interventions).toHaveLength(1);
    expect(draftedText('z2:blur').problem).toContain('"blur"');
    expect(draftedText(' ').problem).toContain('at least one');
  });
});
