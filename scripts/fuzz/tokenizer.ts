/** Tokenizers of every kind of piece, with a chat template, damaged alone: that is cheap, so that many are read. */
import type { Rng } from '../../src/engine/base/rng';
import { parseJson } from '../../src/engine/checkpoint/json';
import qwen from '../../src/engine/tokenizer/testing/qwen-cut.json';
import sentencepiece from '../../src/engine/tokenizer/testing/sentencepiece.json';
import smollm from '../../src/engine/tokenizer/testing/smollm-cut.json';
import { loadTokenizer } from '../../src/engine/tokenizer/tokenizer';
import variants from '../../src/engine/tokenizer/variants.golden.json';
import { mutateBytes, mutateJson } from './mutate';
import type { Target } from './target';

const { texts, ...named } = variants;
const bases: Readonly<Record<string, object>> = { 'qwen-cut': qwen, 'smollm-cut': smollm, sentencepiece };
const files = Object.values(named).map(({ base, patch }) => {
  const file = bases[base] as typeof sentencepiece;
  const { set = {}, model = {}, add = [] } = patch as { set?: object; model?: object; add?: object[] };
  return JSON.stringify({
    ...file,
    ...set,
    model: { ...file.model, ...model },
    added_tokens: [...file.added_tokens, ...add],
  });
});

const TEMPLATE = `{% set ns = namespace(n=0) %}{% for m in messages %}{% if loop.first and m.role == 'user' %}
{{- bos_token }}{% endif %}[{{ m.role | upper }}] {{ m.content | trim | replace('a', 'b') }}{% set ns.n = ns.n + 1 %}
{%- for i in range(3) %}{{ [i, ns.n] | tojson }}{% endfor %}{% endfor %}{% if add_generation_prompt %}>{% endif %}`;
const CONFIG = JSON.stringify({
  tokenizer_class: 'LlamaTokenizer',
  add_bos_token: true,
  add_eos_token: false,
  bos_token: '<s>',
  eos_token: { __type: 'AddedToken', content: '</s>', lstrip: true },
  additional_special_tokens: ['<x>'],
  added_tokens_decoder: { 2: { content: '</s>', special: true, rstrip: true } },
  chat_template: [{ name: 'default', template: TEMPLATE }],
});
const TALK = [
  { role: 'user', content: 'How many apples?' },
  { role: 'assistant', content: 'Three.' },
];

const bytes = (text: string) => new TextEncoder().encode(text);

export const tokenizers: Target = {
  name: 'tokenizer',
  weight: 10,
  async run(rng: Rng) {
    const file = rng.pick(files);
    const damaged = rng.pick(['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja']);
    const json = (name: string, text: string) =>
      parseJson(name === damaged ? mutateJson(text, rng) : bytes(text), name);
    const template =
      damaged === 'chat_template.jinja'
        ? new TextDecoder().decode(mutateBytes(bytes(TEMPLATE), rng))
        : undefined;
    const t = await loadTokenizer(
      json('tokenizer.json', file),
      json('tokenizer_config.json', CONFIG),
      template,
    );
    const ids = texts.map((text) => t.encode(text));
    const shown = ids.map((some) => [
      t.decode(some),
      ...some.map((id) => [t.tokenText(id), t.tokenBytes(id)]),
    ]);
    const said = t.notes.join('\n').length;
    if (said > 4000) throw new Error(`${said} characters of notes`);
    return { ids, shown, prompt: t.chat?.render(TALK) };
  },
};
