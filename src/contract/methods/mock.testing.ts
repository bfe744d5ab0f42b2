import { z } from 'zod';
import { group, OURS, setting } from '../settings';
import { METHODS } from './index';
import { defineMethod } from './method';
import { latents, onAnswer, studentPath } from './paths';
import { answerWeight, latentSettings } from './shared';

/** A method that only exists in tests: it must appear everywhere without a change anywhere else, whatever its recipe. */
export const mock = defineMethod({
  id: 'mock',
  label: 'Mock method',
  about: 'Made up for a test.',
  source: 'nowhere',
  settings: () => ({
    latent: latentSettings,
    weights: group({ title: 'Mock weights' }, { answer: answerWeight }),
    mock: group(
      { title: 'Mock settings', tex: 'm' },
      {
        strength: setting(z.number().min(2).max(9).default(3.5), {
          label: 'Mock strength',
          tex: 's',
          unit: 'mocks',
          help: 'How strong the mock is.',
          source: OURS,
        }),
      },
    ),
  }),
  loss: '\\mathcal{L} = \\lambda\\,m',
  paths: [studentPath('Mocked path', latents('mocked latents', 'by mocking'))],
  terms: [
    {
      name: 'answer',
      label: 'mocked answer',
      tex: '\\lambda\\,m',
      unit: 'mocks',
      about: 'What the mock says.',
      source: 'nowhere, eq. 1',
      weight: 'weights.answer',
      sits: onAnswer(),
    },
  ],
  presets: [
    {
      id: 'mock-7',
      name: 'Mock preset',
      about: 'For a test.',
      changes: { data: { samples: 7 }, mock: { strength: 4.25 } },
    },
  ],
});

/** The shipped methods and the mock. */
export const WITH_MOCK = [...METHODS, mock];
