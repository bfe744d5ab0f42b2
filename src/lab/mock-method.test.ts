import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ConfigOf } from '../contract/config';
import { mock, WITH_MOCK } from '../contract/methods/mock.testing';
import { LATENT_DEFAULTS } from '../contract/methods/shared';
import { RECIPES } from '../engine/methods/index';
import { answerAfter, readQuestion, think } from '../engine/recipes/shared/passes';
import { feedbackBy, latentReasoning, type Recipe, studentLora } from '../engine/recipes/shared/recipe';
import { tinyPair } from '../engine/testing/tiny-pair.testing';
import { lab } from './lab';

/** Adding a method to the two indexes is enough for the headless program to have it. */

const recording: Recipe = {
  adapters: studentLora,
  reasoning: () => latentReasoning({ latent: { ...LATENT_DEFAULTS, steps: 2 } }),
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  record(tape, { config, layout }) {
    const question = readQuestion(tape, layout);
    const thoughts = think(tape, question, 2, feedbackBy(LATENT_DEFAULTS));
    answerAfter(tape, thoughts.at(-1) ?? question, layout, (config as ConfigOf<'ce'>).weights.answer);
  },
};

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mock-method-'));
  for (const [path, bytes] of await tinyPair()) {
    const file = join(folder, 'models', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(...args: string[]) {
  let [out, said] = ['', ''];
  const streams = {
    stdout: { write: (x: string) => (out += x) },
    stderr: { write: (x: string) => (said += x) },
  };
  const registry = {
    methods: WITH_MOCK,
    recipes: { ...RECIPES, [mock.id]: recording },
  };
  await lab(args, streams, registry);
  return { out, said };
}

const SMALL = [
  ...[
    '--models',
    join('MODELS'),
    '--threads',
    '1',
    '--set',
    'optimiser.steps=2',
    '--set',
    'optimiser.batch=2',
  ],
  ...[
    '--set',
    'data.validation=0',
    '--set',
    'data.heldOut=2',
    '--set',
    'lora.rank=2',
    '--set',
    'latent.steps=2',
  ],
];
const small = () => SMALL.map((arg) => (arg === 'MODELS' ? join(folder, 'models') : arg));

it('trains by its preset, with its settings in the result and its terms in the losses', async () => {
  const { out, said } = await run('distil', '--preset', 'mock-7', '--set', 'mock.strength=5', ...small());
  const json = JSON.parse(out);
  expect(json.result.config).toMatchObject({ method: 'mock', data: { samples: 7 }, mock: { strength: 5 } });
  expect(Object.keys(json.steps[1].losses).sort()).toEqual(['answer', 'total']);
  expect(said).toContain('answer ');
});

it('repeats from a file that names it', async () => {
  const { out } = await run('distil', '--preset', 'mock-7', ...small());
  const json = JSON.parse(out);
  const file = join(folder, 'run.json');
  writeFileSync(
    file,
    JSON.stringify({
      kind: 'lori-run',
      config: json.result.config,
      models: json.result.models,
      observed: {
        steps: [2],
        losses: [json.steps[1].losses.total],
        accuracy: null,
        provider: 'wasm',
        seconds: 1,
      },
    }),
  );
  const again = JSON.parse((await run('distil', '--config', file, ...small().slice(0, 4))).out);
  expect(again.repeated).toEqual({ compared: 1, largestDifference: 0 });
});

it('refuses its bad values by name, and its settings with other methods', async () => {
  await expect(run('distil', '--preset', 'mock-7', '--set', 'mock.strength=1')).rejects.toThrow(
    'mock.strength: ',
  );
  await expect(run('distil', '--preset', 'ce-128', '--set', 'mock.strength=3')).rejects.toThrow(
    'a setting of the method ce',
  );
});

it('is in the help, with preset, terms, settings, range and default', async () => {
  const { out } = await run('distil', '--help');
  expect(out).toContain('Mock method. Made up for a test. Source: nowhere.');
  expect(out).toMatch(/mock-7\s+Mock preset\. For a test\./);
  expect(out).toContain('loss answer: What the mock says. Scaled by weights.answer.');
  expect(out).toContain('mock.strength: 2 to 9 mocks [3.5] *. How strong the mock is.');
});
