import { expect, it } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import { filterSentence, latentsOf } from './latent-choice';
import { initialState } from './state';

it('shows a trained student’s latents as the engine reports them if no setting names them', () => {
  const config = parseRunConfig({ method: 'pause-ft' });
  const student = { id: 'student-1', label: 'PauseFT', differs: [], step: 3 };
  const state = {
    ...initialState(''),
    studentConfig: config,
    student: { ...student, thoughts: { latentSteps: 10, filter: 'tokens', temperature: 1 } as const },
  };
  const shown = latentsOf({ ...state, latents: { ...state.latents, student: 'trained' } });
  expect(shown).toEqual({ steps: 10, filter: 'tokens', temperature: 1 });
  expect(filterSentence(shown)).toContain('a token that is the same for every question');
  const base = latentsOf({ ...state, latents: { ...state.latents, student: 'base' } });
  expect(base.filter).toBe('softmax');
});
