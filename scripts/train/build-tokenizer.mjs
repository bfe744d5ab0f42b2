// Writes the bundled pair's tokenizer in Hugging Face form: node scripts/train/build-tokenizer.mjs FOLDER
// Every word and every number 0 to 999 is one token, `▁12`, and so is each sign of a step, which is written with blanks:
// `<< 12 + 7 = 19 >>`. There is nothing to merge, so the model is a BPE without merges that takes whole pieces
// (`ignore_merges`), the form both the Rust and the JavaScript tokenizers read.
import { mkdirSync, writeFileSync } from 'node:fs';
import { runnerImport } from 'vite';

const folder = process.argv[2];
const { module } = await runnerImport(
  new URL('../../src/engine/data/story-words.ts', import.meta.url).pathname,
  {
    configFile: false,
    logLevel: 'error',
  },
);
const count = (from, to, text) => Array.from({ length: to - from + 1 }, (_, i) => text(from + i));
const SIGNS = ['<<', '+', '-', '*', '/', '=', '>>'];
const without = (text, content) => ({ type: 'Replace', pattern: { String: text }, content });
const SPECIAL = ['<pad>', '</s>', '<unk>'];
const words = [...new Set([...module.storyVocabulary(), 'The', 'answer', 'is', ':'])].sort();
const pieces = [
  ...SPECIAL,
  ...words.map((w) => (/\w/.test(w) ? `▁${w}` : w)),
  ...SIGNS.map((sign) => `▁${sign}`),
  ...count(0, module.LARGEST_NUMBER, (n) => `▁${n}`),
];
const tokenizer = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: SPECIAL.map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: {
    type: 'Sequence',
    normalizers: [
      // A blank before every sign, and one after it.
      { type: 'Replace', pattern: { Regex: '(?=<<|>>|[-+*/=])' }, content: ' ' },
      { type: 'Replace', pattern: { Regex: '(?<=<<|>>|[-+*/=])' }, content: ' ' },
      { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
      { type: 'Strip', strip_left: true, strip_right: true },
    ],
  },
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: false },
      {
        type: 'Split',
        pattern: { Regex: '▁?(?:<<|>>|[-+*/=])|▁?[0-9]+|▁?[A-Za-z]+|[^A-Za-z0-9]' },
        behavior: 'Isolated',
        invert: false,
      },
    ],
  },
  post_processor: null,
  decoder: {
    type: 'Sequence',
    decoders: [
      { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: false },
      { type: 'Fuse' },
      // The blanks beside signs go again: `<<12+7=19>>`. Each side by itself, so that a token more changes no text before it, and
      // the pieces of a text that is being generated are those of the whole.
      ...SIGNS.slice(1).map((sign) => without(` ${sign}`, sign)),
      ...SIGNS.slice(0, -1).map((sign) => without(`${sign} `, sign)),
    ],
  },
  model: {
    type: 'BPE',
    dropout: null,
    unk_token: '<unk>',
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: true,
    byte_fallback: false,
    ignore_merges: true,
    vocab: Object.fromEntries(pieces.map((p, id) => [p, id])),
    merges: [],
  },
};
const config = {
  tokenizer_class: 'PreTrainedTokenizerFast',
  pad_token: '<pad>',
  eos_token: '</s>',
  unk_token: '<unk>',
  clean_up_tokenization_spaces: false,
  model_max_length: 256,
};
mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}/tokenizer.json`, `${JSON.stringify(tokenizer, null, 1)}\n`);
writeFileSync(`${folder}/tokenizer_config.json`, `${JSON.stringify(config, null, 2)}\n`);
console.log(`${pieces.length} tokens`);
