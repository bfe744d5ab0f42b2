// Writes word problems for the Python trainers, from the generator and the tokenizer files the page uses:
//   node scripts/train/dump-data.mjs OUT.jsonl --seed 1 --count 1000 [--min-steps 1] [--max-steps 5] [--split train|held-out]
// One problem per line: its texts, and token ids of question, steps, answer prompt and answer.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Tokenizer } from '@huggingface/tokenizers';
import { runnerImport } from 'vite';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '1000' },
    'min-steps': { type: 'string', default: '1' },
    'max-steps': { type: 'string', default: '5' },
    split: { type: 'string', default: 'train' },
    tokenizer: { type: 'string', default: 'models/base' },
  },
});
const read = (name) => JSON.parse(readFileSync(`${values.tokenizer}/${name}`, 'utf8'));
const tokenizer = new Tokenizer(read('tokenizer.json'), read('tokenizer_config.json'));
const ids = (text) => tokenizer.encode(text).ids;
const { module } = await runnerImport(
  new URL('../../src/engine/data/story-problems.ts', import.meta.url).pathname,
  {
    configFile: false,
    logLevel: 'error',
  },
);
const problems = module.storyProblems(Number(values.seed), Number(values.count), {
  minSteps: Number(values['min-steps']),
  maxSteps: Number(values['max-steps']),
  split: values.split,
});
const line = (p) => ({
  ...p,
  questionIds: ids(p.question),
  stepIds: p.steps.map(ids),
  promptIds: ids('The answer is:'),
  answerIds: ids(p.answer),
});
writeFileSync(positionals[0], problems.map((p) => `${JSON.stringify(line(p))}\n`).join(''));
