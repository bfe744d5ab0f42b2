import { describe, expect, it } from 'vitest';
import { isFull, parseRunConfig, settingsOf } from '../config';
import { findPreset, PRESETS } from '../presets';
import { valueAt } from '../settings';
import { methodOf } from './index';
import { runStages } from './method';

/** Values of the papers and their codes, row by row as their tables and scripts have them. */
const TRAINING: readonly [
  id: string,
  rate: number,
  batch: number,
  epochs: number,
  decay: number,
  clip: number,
][] = [
  // CODI's scripts; PCCoT's script, and its authors' values for Llama.
  ['codi-gpt2', 3e-3, 128, 40, 0.1, 2],
  ['codi-llama-1b', 8e-4, 128, 10, 0.1, 2],
  ['pccot-gpt2', 3e-3, 128, 40, 0.01, 1],
  ['pccot-llama-1b', 8e-4, 32, 10, 0.1, 1],
  // SIM-CoT's scripts on CODI.
  ['sim-cot-gpt2', 3e-3, 128, 40, 0.1, 2],
  ['sim-cot-llama-1b', 8e-4, 128, 10, 0.1, 2],
  ['sim-cot-llama-3b', 3e-4, 128, 8, 0.1, 2],
  ['sim-cot-llama-8b', 1e-4, 128, 6, 0.1, 2],
  // KaVa table 6, as noted.
  ['kava-llama-1b', 8e-4, 128, 10, 0.1, 2],
  ['kava-llama-1b-nl', 8e-4, 128, 10, 0.1, 2],
  ['kava-llama-3b', 2e-4, 128, 5, 0.1, 2],
  ['kava-qwen-0.5b', 5e-4, 128, 10, 0.01, 2],
  // DART §C; decay and clipping are not told.
  ['dart-llama-1b', 8e-4, 128, 10, 0.01, 1],
  ['dart-gpt2', 2e-3, 128, 40, 0.01, 1],
  ['dart-qwen-1.5b-llama-3b', 5e-4, 128, 10, 0.01, 1],
  // Coconut's args, which do not clip; iCoT's README.
  ['coconut-gpt2-gsm8k', 1e-4, 128, 25, 0.01, 1e6],
  ['coconut-prosqa', 1e-4, 128, 50, 0.01, 1e6],
  ['icot-gsm8k', 1e-5, 32, 80, 0.01, 1],
  // iCoT in CODI's table; CoT-SFT in Coconut's code; SIM-CoT on Coconut.
  ['icot-gpt2', 5e-5, 32, 100, 0.01, 1],
  ['icot-llama-1b', 1e-5, 32, 50, 0.01, 1],
  ['icot-llama-1b-nl', 1e-5, 32, 50, 0.01, 1],
  ['icot-multiplication', 5e-5, 32, 200, 0.01, 1],
  ['cot-sft-gpt2', 1e-4, 128, 25, 0.01, 1e6],
  ['sim-cot-coconut-gpt2', 1e-4, 16, 35, 0.01, 1e6],
  // CODI's appendix A: its baselines. SIM-CoT's plain Coconut. LOTUS as noted; its decay is not.
  ['cot-sft-codi-gpt2', 3e-3, 128, 40, 0.1, 2],
  ['cot-sft-codi-llama-1b', 8e-4, 128, 10, 0.1, 2],
  ['nocot-codi-gpt2', 3e-3, 128, 40, 0.1, 2],
  ['nocot-codi-llama-1b', 8e-4, 128, 10, 0.1, 2],
  ['coconut-codi-gpt2', 1e-4, 128, 50, 0.01, 1e6],
  ['coconut-codi-llama-1b', 1e-5, 128, 10, 0.01, 1e6],
  ['coconut-sim-cot-gpt2', 1e-4, 16, 25, 0.01, 1e6],
  ['lotus-llama-1b', 1e-4, 128, 30, 0.01, 1],
  ['lotus-llama-3b', 5e-5, 128, 30, 0.01, 1],
  // Of PauseFT DART tells the number of pauses alone.
  ['pause-ft-llama-1b', 8e-4, 128, 10, 0.01, 1],
];

describe('a preset named for a paper’s table', () => {
  it.each(TRAINING)('%s: its training', (id, rate, batch, epochs, decay, clip) => {
    const { paper, config } = findPreset(id) as (typeof PRESETS)[number];
    expect(paper).toBe(true);
    const { optimiser, data } = config;
    expect(optimiser).toMatchObject({ learningRate: rate, weightDecay: decay, clip });
    expect(optimiser.batch * optimiser.accumulation).toBe(batch);
    expect((optimiser.steps * batch) / data.samples).toBe(epochs);
  });

  const OWN: readonly [id: string, values: Readonly<Record<string, unknown>>][] = [
    [
      'codi-gpt2',
      { 'projection.width': 768, 'weights.distillation': 1, 'latent.steps': 6, 'data.longest': 1000 },
    ],
    [
      'codi-llama-1b',
      { 'projection.width': 2048, 'weights.distillation': 20, 'latent.steps': 6, 'data.longest': 200 },
    ],
    // The token that each family's published run aligns.
    ['codi-gpt2', { 'distillation.position': 'prompt-end' }],
    ['codi-llama-1b', { 'distillation.position': 'answer-start' }],
    ['cot-sft-codi-gpt2', { 'data.longest': 1000, 'lora.dropout': 0.1 }],
    ['nocot-codi-llama-1b', { 'data.longest': 200, 'answer.supervised': 'prompt' }],
    ['pccot-gpt2', { 'latent.steps': 24, 'latent.iterations': 3, 'distillation.scale': 'layer' }],
    ['pccot-llama-1b', { 'latent.steps': 6, 'latent.iterations': 6, 'distillation.scale': 'all' }],
    ['sim-cot-llama-8b', { 'projection.width': 4096, 'weights.distillation': 20, 'weights.explain': 1 }],
    ['kava-llama-3b', { 'weights.distillation': 20, 'weights.keyValues': 2, 'keyValues.scaled': false }],
    ['kava-llama-1b-nl', { 'keyValues.kind': 'mse', 'keyValues.scaled': true }],
    ['dart-gpt2', { 'silent.count': 20, 'rem.width': 128, 'rem.alpha': 32, 'weights.distil': 20 }],
    ['dart-llama-1b', { 'data.prompt': 'Answer:' }],
    ['dart-128', { 'data.prompt': 'The answer is:' }],
    [
      'coconut-gpt2-gsm8k',
      { 'curriculum.latentsPerStep': 2, 'curriculum.stages': 3, 'training.weights': 'full' },
    ],
    [
      'coconut-prosqa',
      { 'curriculum.latentsPerStep': 1, 'curriculum.stages': 6, 'training.weights': 'full' },
    ],
    [
      'icot-gsm8k',
      {
        ...{ 'removal.allBeyond': 39, 'removal.smoothing': 4, 'training.weights': 'full' },
        ...{ 'data.longest': 150, 'data.rule': 'coconut' },
      },
    ],
    [
      'icot-multiplication',
      { 'removal.stageSteps': 16, 'removal.smoothing': 4, 'removal.reset': true, 'data.rule': 'coconut' },
    ],
    ['icot-gpt2', { 'removal.stageSteps': 32, 'removal.allBeyond': 200, 'training.weights': 'full' }],
    ['icot-llama-1b', { 'removal.stageSteps': 16, 'removal.allBeyond': 39, 'training.weights': 'full' }],
    ['icot-llama-1b-nl', { 'removal.stageSteps': 8, 'removal.allBeyond': 200, 'training.weights': 'full' }],
    ['coconut-codi-gpt2', { 'curriculum.firstSteps': 800, 'training.weights': 'full' }],
    ['coconut-codi-llama-1b', { 'curriculum.firstSteps': 160, 'training.weights': 'full' }],
    [
      'coconut-sim-cot-gpt2',
      {
        ...{ 'curriculum.latentsPerStep': 2, 'curriculum.stages': 5, 'curriculum.stageSteps': 768 },
        ...{ 'weights.decoder': 0, 'training.weights': 'full' },
      },
    ],
    [
      'lotus-llama-1b',
      { 'weights.gold': 0.05, 'latent.steps': 30, 'gold.width': 5, 'training.weights': 'full' },
    ],
    [
      'sim-cot-coconut-gpt2',
      { 'curriculum.latentsPerStep': 2, 'curriculum.stages': 5, 'weights.decoder': 1 },
    ],
    ['kava-llama-3b-nl', { 'keyValues.importance': 0, 'projection.use': false }],
    ['pause-ft-llama-1b', { 'pauses.count': 20, 'data.prompt': 'Answer:' }],
    ['cot-sft-llama-1b', { 'optimiser.learningRate': 1e-4, 'optimiser.steps': 30_000 }],
    ['nocot-llama-1b', { 'optimiser.learningRate': 1e-4, 'optimiser.steps': 30_000 }],
    ['grpo-latent-6-by-1', { 'latents.factor': 1, 'latents.max': 10, 'reinforcement.rate': 0.0125 }],
    ['adaptive-latent-6', { 'latents.min': 6, 'latents.max': 6, 'weights.codi': 20 }],
    ['adaptive-latent-6-by-1', { 'latents.factor': 1, 'latents.bias': 6, 'latents.max': 10 }],
    [
      'grpo-latent-6',
      {
        ...{ 'reinforcement.group': 16, 'reinforcement.tokens': 40, 'weights.kl': 1e-3 },
        ...{ 'reinforcement.reward': 0.1, 'reinforcement.penalty': 1e-4, 'reinforcement.cutoff': 1 },
      },
    ],
  ];
  it.each(OWN)('%s: its own values', (id, values) => {
    const { config } = findPreset(id) as (typeof PRESETS)[number];
    for (const [path, value] of Object.entries(values)) expect(valueAt(config, path), path).toBe(value);
  });

  it('begins Coconut’s stages where CODI’s epochs end', () => {
    const epochs = (id: string) => {
      const { config } = findPreset(id) as (typeof PRESETS)[number];
      return runStages(methodOf('coconut'), config).map(({ from }) => from / 32);
    };
    expect(epochs('coconut-codi-gpt2')).toEqual([0, 25, 28, 31, 34]);
    expect(epochs('coconut-codi-llama-1b')).toEqual([0, 5, 6, 7, 8]);
    expect(epochs('coconut-gpt2-gsm8k')).toEqual([0, 3, 6, 9, 12]);
  });

  it('trains adapters of rank 128 and α 32, where it says what it trains', () => {
    for (const { id, paper, config } of PRESETS)
      if (paper && id !== 'lori-no-anchor-128' && !isFull(config))
        expect(config.lora, id).toMatchObject({ rank: 128, alpha: 32 });
  });
});

it.each([
  ['kava', 'weights.distillation'],
  ['adaptive', 'latents.max'],
  ['grpo', 'latents.max'],
  ['lotus', 'gold.width'],
])('%s: %s, which the source gives another value, says whose the default is', (id, path) => {
  const found = settingsOf(methodOf(id))
    .flatMap(({ settings }) => settings)
    .find((one) => one.path === path);
  expect(found?.source).toContain('the default is this app’s own choice');
});

it.each([
  ['adaptive', 'adaptive-128'],
  ['grpo', 'grpo-128'],
])('%s: b is the paper’s by default, and 5 in Latent-5, whatever the default', (method, id) => {
  expect(valueAt(parseRunConfig({ method }), 'latents.bias')).toBe(6);
  expect(valueAt((findPreset(id) as (typeof PRESETS)[number]).config, 'latents.bias')).toBe(5);
});
