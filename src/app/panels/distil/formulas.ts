import type { Method } from '../../../contract/config';
import type { Term } from '../../store/terms';

/** The loss of each method, and each term of it: formula, name, meaning. */

export const TERM_TEXTS: Readonly<
  Record<Term, { readonly label: string; readonly tex: string; readonly about: string }>
> = {
  total: { label: 'total', tex: '\\mathcal{L}', about: 'The sum of the terms, each with its weight.' },
  covariance: {
    label: 'covariance',
    tex: '\\omega_C\\,\\lVert C_S - C_T\\rVert_F^2',
    about: 'Second moment of the latent trajectory against the rationale’s, inside the teacher’s subspace.',
  },
  mean: {
    label: 'mean',
    tex: '\\omega_\\mu\\,\\lVert \\mu_S - \\mu_T\\rVert^2',
    about: 'First moment, likewise. Both together are the rationale loss.',
  },
  anchor: {
    label: 'anchor',
    tex: "\\beta\\,\\tfrac1L\\textstyle\\sum_\\ell\\lVert U_H^{(a)\\top}h_\\ell - U_H^{(a)\\top}h'_\\ell\\rVert^2",
    about: 'States at the last token of the answer prompt, inside the anchors’ subspace.',
  },
  codi: {
    label: 'anchor distance',
    tex: "\\gamma\\,\\tfrac1L\\textstyle\\sum_\\ell\\operatorname{smooth}_{L_1}(h_\\ell - h'_\\ell)/\\operatorname{std}(h'_\\ell)",
    about: 'Whole states at the anchor.',
  },
  answer: {
    label: 'answer',
    tex: '\\lambda\\,\\mathcal{L}_{\\mathrm{CE}}(\\text{answer}\\mid x, z_{1:K})',
    about: 'Cross entropy of the answer after the latents.',
  },
  explicit: {
    label: 'explicit',
    tex: '\\lambda_E\\,\\mathcal{L}_{\\mathrm{CE}}(\\text{rationale, answer}\\mid x)',
    about: 'Cross entropy of the explicit pass.',
  },
};

export const METHOD_LOSS: Readonly<
  Record<Method, { readonly tex: string; readonly terms: readonly Term[] }>
> = {
  lori: {
    tex: '\\mathcal{L} = \\underbrace{\\mathcal{L}_{\\mathrm{rationale}} + \\beta\\,\\mathcal{L}_{\\mathrm{anchor}}}_{\\mathcal{L}_{\\mathrm{LR}}} + \\lambda\\,\\mathcal{L}_{\\mathrm{CE}}',
    terms: ['covariance', 'mean', 'anchor', 'answer', 'explicit'],
  },
  codi: {
    tex: '\\mathcal{L} = \\gamma\\,\\mathcal{L}_{\\mathrm{anchor}} + \\lambda\\,\\mathcal{L}_{\\mathrm{CE}}',
    terms: ['codi', 'answer', 'explicit'],
  },
  ce: { tex: '\\mathcal{L} = \\lambda\\,\\mathcal{L}_{\\mathrm{CE}}', terms: ['answer', 'explicit'] },
  nocot: {
    tex: '\\mathcal{L} = \\lambda\\,\\mathcal{L}_{\\mathrm{CE}}(\\text{answer}\\mid x)',
    terms: ['answer'],
  },
};
