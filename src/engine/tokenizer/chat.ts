/** Renders a conversation as the text that a chat model was trained on, with its checkpoint's template. */
import { listed, quote, shorten } from '../../text/quote';
import { InputError } from '../base/errors';
import { isObject } from './added-token';
import { type Program, parseTemplate, renderTemplate } from './jinja';
import { TemplateError } from './jinja-check';

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

export interface Chat {
  /** Names of the templates, the default first. */
  readonly names: readonly string[];
  /**
   * The conversation as text. Its special tokens are written out, so it must be encoded without adding any.
   * `addGenerationPrompt` (default true): ends where the answer begins. @throws InputError if the template
   * refuses the conversation, fails, or takes too long
   */
  render(
    messages: readonly ChatMessage[],
    options?: { readonly addGenerationPrompt?: boolean; readonly name?: string },
  ): string;
}

export interface ChatTemplates {
  readonly chat: Chat | undefined;
  /** Which templates are ignored, and why. */
  readonly notes: readonly string[];
}

const MAX_TEMPLATES = 16;
const DEFAULT = 'default';

/**
 * `configured`: `chat_template` of tokenizer_config.json, a text or a list of named ones; `file`:
 * chat_template.jinja, which takes precedence, as in transformers. `special`: `bos_token` and the like. An
 * unusable template is ignored with a note: the model is usable without.
 */
export function readChatTemplates(
  configured: unknown,
  file: string | undefined,
  special: ReadonlyMap<string, string>,
): ChatTemplates {
  const notes: string[] = [];
  const programs = new Map<string, Program>();
  for (const [name, source] of sources(configured, file, notes)) {
    try {
      programs.set(name, parseTemplate(source));
    } catch (cause) {
      if (!(cause instanceof TemplateError)) throw cause;
      notes.push(`The chat template ${quote(name)} is not used: it ${shorten(cause.message, 200)}.`);
    }
  }
  if (programs.size === 0) return { chat: undefined, notes };
  const names = [...programs.keys()].sort((a, b) => Number(b === DEFAULT) - Number(a === DEFAULT));
  const tokens = Object.fromEntries(special);
  return {
    chat: {
      names,
      render(messages, { addGenerationPrompt = true, name = names[0] as string } = {}) {
        const program = programs.get(name);
        if (program === undefined)
          throw new InputError(
            `there is no chat template ${quote(name)}; there are ${listed(names.map(quote))}`,
            'Choose one of them.',
          );
        return render(name, program, { ...tokens, messages, add_generation_prompt: addGenerationPrompt });
      },
    },
    notes,
  };
}

function render(name: string, program: Program, variables: Readonly<Record<string, unknown>>): string {
  try {
    return renderTemplate(program, { tools: null, documents: null, ...variables });
  } catch (cause) {
    if (!(cause instanceof TemplateError)) throw cause;
    throw new InputError(
      `the chat template ${quote(name)} ${shorten(cause.message, 300)}`,
      'Use the plain text without the template, or other messages.',
      { cause },
    );
  }
}

/** Names and texts of the templates. */
function sources(configured: unknown, file: string | undefined, notes: string[]): [string, string][] {
  if (file !== undefined) return [[DEFAULT, file]];
  if (configured === undefined || configured === null) return [];
  if (typeof configured === 'string') return [[DEFAULT, configured]];
  const list = isObject(configured)
    ? Object.entries(configured).map(([name, template]) => ({ name, template }))
    : configured;
  const good =
    Array.isArray(list) &&
    list.length <= MAX_TEMPLATES &&
    list.every(
      (item: unknown) => isObject(item) && typeof item.name === 'string' && typeof item.template === 'string',
    );
  if (good)
    return (list as { name: string; template: string }[]).map(({ name, template }) => [name, template]);
  notes.push(
    `chat_template of tokenizer_config.json is ${quote(configured)}, expected a text or at most ${MAX_TEMPLATES} named ones: it is not used.`,
  );
  return [];
}
