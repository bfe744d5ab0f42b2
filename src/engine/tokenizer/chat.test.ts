import { describe, expect, it } from 'vitest';
import { hasFile, readJson } from '../../../scripts/tools/files';
import { InputError } from '../base/errors';
import { type Chat, type ChatMessage, readChatTemplates } from './chat';
import { strftime } from './strftime';

const special = new Map([
  ['bos_token', '<s>'],
  ['eos_token', '</s>'],
]);
const read = (configured: unknown, file?: string) => readChatTemplates(configured, file, special);
const chatOf = (template: string): Chat => {
  const { chat, notes } = read(template);
  if (chat === undefined) throw new Error(notes.join());
  return chat;
};
const user: ChatMessage[] = [{ role: 'user', content: 'How many?' }];

const CHATML = `{%- if messages[0]['role'] == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
{%- else %}
    {{- '<|im_start|>system\\nBe brief.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant") %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content | trim + '<|im_end|>' + '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}`;

describe('a template', () => {
  it('renders the conversation as text, ending where the answer begins unless told otherwise', () => {
    const chat = chatOf(CHATML);
    const text = '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHow many?<|im_end|>\n';
    expect(chat.render(user)).toBe(`${text}<|im_start|>assistant\n`);
    expect(chat.render(user, { addGenerationPrompt: false })).toBe(text);
    const more = [
      { role: 'system', content: 'S' },
      ...user,
      { role: 'assistant', content: ' 3 ' },
      { role: 'system', content: 'T' },
    ];
    expect(chat.render(more, { addGenerationPrompt: false })).toBe(
      '<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nHow many?<|im_end|>\n<|im_start|>assistant\n3<|im_end|>\n<|im_start|>system\nT<|im_end|>\n',
    );
  });

  it('supports special tokens, loop controls, namespaces and macros, without tools', () => {
    const template = `{{ bos_token }}{% if tools is not none %}TOOLS{% endif %}{% set ns = namespace(n=0) %}{% macro line(m) %}[{{ m.role }}]{% endmacro %}{% for m in messages %}{% if m.role == 'skip' %}{% continue %}{% endif %}{% set ns.n = ns.n + 1 %}{{ line(m) }}{{ m.content }}{{ eos_token }}{% endfor %}{{ ns.n }}`;
    expect(chatOf(template).render([{ role: 'skip', content: 'x' }, ...user])).toBe(
      '<s>[user]How many?</s>1',
    );
  });

  it('drops the line break after a block and the blanks before it, like transformers', () => {
    expect(chatOf('a\n  {% if true %}\nb\n  {% endif %}\nc').render(user)).toBe('a\nb\nc');
  });

  it('can refuse a conversation with its own message', () => {
    const chat = chatOf("{{ raise_exception('Roles must alternate') }}");
    expect(() => chat.render(user)).toThrow(InputError);
    expect(() => chat.render(user)).toThrow('refuses this conversation: Roles must alternate');
  });

  it('writes the date like Python', () => {
    expect(strftime(new Date(2024, 6, 4, 9, 5), '%d %b %Y, %A %H:%M%%')).toBe('04 Jul 2024, Thursday 09:05%');
    expect(() => strftime(new Date(), '%Q')).toThrow('%Q');
  });
});

describe('which template', () => {
  it('takes chat_template.jinja before tokenizer_config.json', () => {
    expect(read('config', 'file').chat?.render(user)).toBe('file');
    expect(read(undefined).chat).toBeUndefined();
  });

  it('takes "default" among several, or the requested one', () => {
    const { chat } = read([
      { name: 'tool_use', template: 'T' },
      { name: 'default', template: 'D' },
    ]);
    expect(chat?.names).toEqual(['default', 'tool_use']);
    expect(chat?.render(user)).toBe('D');
    expect(chat?.render(user, { name: 'tool_use' })).toBe('T');
    expect(() => chat?.render(user, { name: 'rag' })).toThrow('there are "default", "tool_use"');
    expect(read({ default: 'D' }).chat?.render(user)).toBe('D');
  });

  it('skips unusable templates with a note', () => {
    for (const [bad, why] of [
      [3, 'chat_template of tokenizer_config.json is 3, expected a text'],
      [[{ name: 'a' }], 'expected a text'],
      ['{% if %}', 'it cannot be read'],
      ['{{ 1', 'it cannot be read'],
      ['x'.repeat(200_000), 'it has 200000 characters; at most 131072'],
      [`{{ ${'('.repeat(200)}1${')'.repeat(200)} }}`, 'nests brackets more than 100 deep'],
      [`{{ ${'not '.repeat(20_000)}1 }}`, 'The chat template "default" is not used'],
      ["{{ 'a'.replace('a', messages[0].content) }}", 'gives replace something other than'],
      ["{{ messages[0].content | replace('a', messages[0].content) }}", 'gives replace something other than'],
      ['{{ messages | join(messages[0].content) }}', 'gives join something other than'],
      ["{{ 'a' | indent(width=1000000000) }}", 'gives indent something other than'],
    ] as const) {
      const { chat, notes } = read(bad);
      expect.soft(chat, String(bad).slice(0, 60)).toBeUndefined();
      expect.soft(notes, String(bad).slice(0, 60)).toEqual([expect.stringContaining(why)]);
    }
  });
});

describe('a template that would not end, or produces too much', () => {
  const doubled = (n: number) =>
    `{% set ns = namespace(s='ab') %}{% for i in range(${n}) %}${'{% set ns.s = ns.s ~ ns.s %}'}{% endfor %}`;
  it.each([
    [
      'loops',
      '{% for a in range(999) %}{% for b in range(999) %}{% for c in range(999) %}{% endfor %}{% endfor %}x{% endfor %}',
      'takes more than',
    ],
    ['a long range', '{% for a in range(1000000000) %}{% endfor %}', 'range() for more than 1000'],
    ['a text that doubles', `${doubled(40)}{{ ns.s }}`, 'makes a text of more than 262144'],
    ['much output', "{% for a in range(999) %}{{ 'x' * 1 }}{% endfor %}", 'fails'],
    [
      'long output',
      `{% for a in range(999) %}${'x'.repeat(300)}{% endfor %}`,
      'makes a text of more than 262144',
    ],
    [
      'a list that doubles',
      '{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = ns.a + ns.a %}{% endfor %}',
      'takes more than 400000 steps',
    ],
    [
      'a list of itself twice',
      '{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a | tojson }}',
      'takes more than 400000 steps',
    ],
    [
      'a value inside itself',
      '{% set ns = namespace(a=1) %}{% set ns.a = [ns] %}{{ ns.a | tojson }}',
      'calls itself too deeply',
    ],
    [
      'a macro that calls itself',
      '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}',
      'calls itself too deeply',
    ],
  ])('%s', (_name, template, why) => {
    expect(() => chatOf(template).render(user)).toThrow(why);
    expect(() => chatOf(template).render(user)).toThrow(InputError);
  });
});

const QWEN = 'tokenizers/qwen2.5/tokenizer_config.json';
const has = await hasFile('shared', QWEN);
it.skipIf(!has)(
  `Qwen2.5's own template${has ? '' : ` (skipped: the shared folder lacks ${QWEN})`}`,
  async () => {
    const config = await readJson<{ chat_template: string }>('shared', QWEN);
    const chat = chatOf(config.chat_template);
    // Worked out by hand from the template.
    expect(chat.render(user)).toBe(
      '<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n<|im_start|>user\nHow many?<|im_end|>\n<|im_start|>assistant\n',
    );
    const talk = [
      { role: 'system', content: 'Count.' },
      ...user,
      { role: 'assistant', content: '3' },
      ...user,
    ];
    expect(chat.render(talk, { addGenerationPrompt: false })).toBe(
      '<|im_start|>system\nCount.<|im_end|>\n<|im_start|>user\nHow many?<|im_end|>\n<|im_start|>assistant\n3<|im_end|>\n<|im_start|>user\nHow many?<|im_end|>\n',
    );
  },
);
