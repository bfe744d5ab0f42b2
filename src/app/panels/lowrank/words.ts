import type { Control, Section, Stack } from '../../../contract/lens';
import type { SubjectId } from '../../store/lens-draft';
import type { LensView } from '../../store/lens-link';

/** The words used on the page. */

/** The element that holds the views. */
export const VIEWS = 'lens-views';

export const VIEW_TITLES: Readonly<Record<LensView, string>> = {
  spectra: 'Spectra',
  ranks: 'Ranks',
  tucker: 'Tucker',
  trajectories: 'Trajectories',
  angles: 'Angles',
  causal: 'Causal test',
};

export const SECTION_WORDS: Readonly<Record<Section, string>> = {
  question: 'Question',
  rationale: 'Rationale',
  latent: 'Latent steps',
  answer: 'Answer',
  text: 'Text',
};

export const STACK_WORDS: Readonly<
  Record<
    Stack,
    { readonly label: string; readonly about: string; readonly one: string; readonly many: string }
  >
> = {
  sample: {
    label: 'One matrix per sample',
    about: 'All its tokens and layers as rows, as in the paper’s figure 6.',
    one: 'sample',
    many: 'samples',
  },
  layer: {
    label: 'One matrix per layer',
    about: 'The tokens of all samples at that layer as rows.',
    one: 'layer',
    many: 'layers',
  },
  token: {
    label: 'One matrix per token position',
    about: 'All samples and layers at the n-th token as rows.',
    one: 'token position',
    many: 'token positions',
  },
  all: {
    label: 'One matrix of everything',
    about: 'All samples, tokens and layers as rows.',
    one: 'matrix',
    many: 'matrices',
  },
};

export const CONTROL_WORDS: Readonly<
  Record<Control, { readonly label: string; readonly about: string; readonly of: string }>
> = {
  shuffled: {
    label: 'Shuffled states',
    about: 'The values of each feature permuted across rows.',
    of: 'shuffled states',
  },
  'random-tokens': {
    label: 'Random tokens',
    about: 'As many tokens drawn uniformly, in place of the rationale.',
    of: 'random tokens',
  },
  'other-prompt': {
    label: 'Another prompt',
    about: 'The same rationale after the question of another sample.',
    of: 'another prompt',
  },
  gaussian: {
    label: 'Gaussian data',
    about: 'Independent normal values of the same shape and scale.',
    of: 'Gaussian data',
  },
};

/** The subject in the middle of a sentence. */
export const subjectWord = (id: SubjectId): string =>
  id === 'opened' ? 'opened model' : id.replace(/^student-\d+$/, 'student');
