import { LINEARS, type Method, OURS } from '../../../contract/config';

/** The form of a run's configuration: what each value is, in words, signs and units. The limits are the schema's. */

interface Common {
  readonly path: string;
  readonly label: string;
  readonly tex?: string;
  readonly help?: string;
  /** Methods that use it; all, if absent. */
  readonly methods?: readonly Method[];
}

export type FieldSpec =
  | (Common & { readonly kind: 'number'; readonly unit?: string })
  | (Common & { readonly kind: 'check' })
  | (Common & {
      readonly kind: 'choice';
      readonly options: readonly { readonly id: string; readonly label: string }[];
    })
  | (Common & { readonly kind: 'set'; readonly options: readonly string[] });

export interface FieldGroup {
  readonly id: string;
  readonly title: string;
  readonly tex?: string;
  readonly methods?: readonly Method[];
  readonly fields: readonly FieldSpec[];
}

const number = (
  path: string,
  label: string,
  more: Partial<Extract<FieldSpec, { kind: 'number' }>> = {},
): FieldSpec => ({
  kind: 'number',
  path,
  label,
  ...more,
});

const LATENT: readonly Method[] = ['lori', 'codi', 'ce'];

export const GROUPS: readonly FieldGroup[] = [
  {
    id: 'data',
    title: 'Data and seed',
    fields: [
      number('data.samples', 'Training samples', { tex: 'B' }),
      number('data.validation', 'Validation problems', {
        help: 'For the curve below; never those of the final figure.',
      }),
      number('data.heldOut', 'Held-out problems', { help: 'For the final figure.' }),
      number('seed', 'Seed', { help: 'Of the choice of samples, the order of batches, and LoRA.' }),
    ],
  },
  {
    id: 'latent',
    title: 'Latent steps',
    tex: 'z_t = f(x, z_{1:t-1})',
    methods: LATENT,
    fields: [
      number('latent.steps', 'Latent steps', { tex: 'K' }),
      {
        kind: 'choice',
        path: 'latent.filter',
        label: 'Fed back',
        help: 'What the next latent step gets as its input.',
        options: [
          { id: 'softmax', label: 'softmax of the logits, in embeddings' },
          { id: 'hidden', label: 'the last hidden state itself' },
        ],
      },
      number('latent.temperature', 'Temperature', { tex: '\\tau', help: 'Of the softmax that is fed back.' }),
    ],
  },
  {
    id: 'weights',
    title: 'Weights of the loss',
    fields: [
      number('weights.covariance', 'Covariance', { tex: '\\omega_C', methods: ['lori'] }),
      number('weights.mean', 'Mean', { tex: '\\omega_\\mu', methods: ['lori'] }),
      number('weights.anchor', 'Anchor', { tex: '\\beta', methods: ['lori'] }),
      number('weights.codi', 'Anchor distance', { tex: '\\gamma', methods: ['codi'] }),
      number('weights.answer', 'Cross entropy of the answer', { tex: '\\lambda' }),
      number('weights.explicit', 'Cross entropy of the explicit pass', {
        tex: '\\lambda_E',
        help: 'On rationale and answer, so that explicit reasoning survives (LoRi-E). 0 leaves it out.',
        methods: LATENT,
      }),
    ],
  },
  {
    id: 'factors',
    title: 'Subspaces of the teacher',
    tex: 'G = X\\times_2 U_L^\\top\\times_3 U_H^\\top',
    methods: ['lori'],
    fields: [
      {
        kind: 'choice',
        path: 'factors.scope',
        label: 'Scope',
        options: [
          { id: 'shared', label: 'one for all samples' },
          { id: 'sample', label: 'one for each sample' },
        ],
      },
      {
        kind: 'choice',
        path: 'factors.rationale',
        label: 'Rationale for the statistics',
        options: [
          { id: 'steps', label: 'whole steps' },
          { id: 'results', label: 'results only' },
        ],
      },
      number('factors.layerRank', 'Layer rank', { tex: 'r_L' }),
      number('factors.hiddenRank', 'Hidden rank', { tex: 'r_H' }),
      number('factors.anchor.sampleRank', 'Anchor, sample rank', { tex: 'r_B' }),
      number('factors.anchor.layerRank', 'Anchor, layer rank', { tex: 'r_L^{(a)}' }),
      number('factors.anchor.hiddenRank', 'Anchor, hidden rank', { tex: 'r_H^{(a)}' }),
      {
        kind: 'check',
        path: 'factors.normaliseLayers',
        label: 'Normalise layers',
        help: 'Divide each layer by the teacher’s standard deviation.',
      },
      {
        kind: 'check',
        path: 'factors.anchor.hooi',
        label: 'Refine by HOOI',
        help: 'Iterate the Tucker decomposition of the anchor states.',
      },
    ],
  },
  {
    id: 'lora',
    title: 'LoRA',
    tex: "W' = W + \\tfrac{\\alpha}{r} B A",
    fields: [
      number('lora.rank', 'Rank', { tex: 'r' }),
      number('lora.alpha', 'Scale', { tex: '\\alpha' }),
      { kind: 'set', path: 'lora.targets', label: 'On the linears', options: LINEARS },
    ],
  },
  {
    id: 'optimiser',
    title: 'Optimiser (AdamW)',
    fields: [
      number('optimiser.steps', 'Steps'),
      number('optimiser.batch', 'Batch', { unit: 'samples' }),
      number('optimiser.learningRate', 'Learning rate', {
        tex: '\\eta',
        help: 'The highest; cosine after the warm-up.',
      }),
      number('optimiser.warmup', 'Warm-up', { unit: 'of the steps' }),
      number('optimiser.clip', 'Largest gradient norm'),
      number('optimiser.weightDecay', 'Weight decay'),
      number('optimiser.beta1', 'First moment', { tex: '\\beta_1' }),
      number('optimiser.beta2', 'Second moment', { tex: '\\beta_2' }),
      number('optimiser.epsilon', 'Epsilon', { tex: '\\epsilon' }),
    ],
  },
  {
    id: 'evaluation',
    title: 'Evaluation',
    fields: [
      number('evaluation.every', 'Every', {
        unit: 'steps',
        help: 'Between two measurements of validation accuracy; 0 for none.',
      }),
      {
        kind: 'check',
        path: 'evaluation.keepBest',
        label: 'Keep the best',
        help: 'The adapter of the best validation accuracy rather than the last.',
      },
    ],
  },
  {
    id: 'observation',
    title: 'Observation',
    methods: LATENT,
    tex: '\\operatorname{erank} = \\exp\\Big(-\\textstyle\\sum_i p_i \\log p_i\\Big),\\quad p_i = \\sigma_i \\big/ \\sum_j \\sigma_j',
    fields: [
      number('observation.every', 'Look every', {
        unit: 'steps',
        help: 'Between two looks at the spectrum of the latents, each kept as a checkpoint for the Low-rank place; 0 for none. It changes nothing about the run.',
      }),
      number('observation.samples', 'Samples looked at', {
        help: 'Training samples whose latents are stacked, all layers and steps of a sample into one matrix.',
      }),
    ],
  },
];

/** Whether the paper leaves the value open, so that it is a choice of this project. */
export const isOurs = (path: string) => OURS.some((ours) => path === ours || path.startsWith(`${ours}.`));

export const isUsed = (methods: readonly Method[] | undefined, method: Method) =>
  methods === undefined || methods.includes(method);
