import { GENERATE_SETTINGS, type GenerateSettings } from '../../contract/generate';
import { rangeText } from '../../contract/settings';
import { type GenerationDraft, generationErrors } from './generation';
import { readSubject } from './lens-draft';
import { quoted } from './link-text';

/**
 * The part of the Generate place that a link carries:
 * `#/generate?prompt=Once+upon+a+time&temperature=0.8&noise=7`.
 */
export type GenerationLink = Readonly<Record<string, string>>;

/** The keys of settings in a link; `seed` and `samples` already belong to the Low-rank place. */
const SETTING_KEYS: Readonly<Record<keyof GenerateSettings, string>> = {
  temperature: 'temperature',
  topK: 'top-k',
  topP: 'top-p',
  seed: 'noise',
  samples: 'side-by-side',
  limit: 'length',
};
const SETTINGS = Object.entries(SETTING_KEYS) as [keyof GenerateSettings, string][];

export const GENERATION_KEYS: readonly string[] = [
  'prompt',
  'generator',
  'template',
  'stops',
  ...SETTINGS.map(([, key]) => key),
];

/** Characters of a prompt and of stop strings in a link. */
const MAX_TEXT_LENGTH = 2000;

/** The usable values, and what is wrong with the others. */
export function readGenerationLink(
  values: URLSearchParams,
  initial: GenerationDraft,
): { readonly generation: GenerationLink; readonly problems: readonly string[] } {
  const generation: Record<string, string> = {};
  const problems: string[] = [];
  for (const key of GENERATION_KEYS) {
    const text = values.get(key);
    if (text === null) continue;
    const problem = problemOf(key, text, initial);
    if (problem === null) generation[key] = text;
    else problems.push(problem);
  }
  return { generation, problems };
}

function problemOf(key: string, text: string, initial: GenerationDraft): string | null {
  const shown = quoted(text);
  if (key === 'generator')
    return readSubject(text) === null
      ? `unknown generator ${shown}: expected teacher, base, student, student-3 (its checkpoint 3) or opened`
      : null;
  if (key === 'prompt' || key === 'stops' || key === 'template') {
    if (text.length > MAX_TEXT_LENGTH)
      return `the ${key} of ${text.length} characters is longer than ${MAX_TEXT_LENGTH}`;
    return generationErrors({ ...initial, [key]: text }).has(key)
      ? `the ${key} ${shown} cannot be used`
      : null;
  }
  const [path] = SETTINGS.find(([, name]) => name === key) as [keyof GenerateSettings, string];
  const setting = GENERATE_SETTINGS.find((one) => one.path === path);
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (
    !setting ||
    !generationErrors({ ...initial, settings: { ...initial.settings, [path]: value } }).has(path)
  )
    return null;
  return `unknown ${key} ${shown}: expected ${rangeText(setting)}`;
}

/** The draft that the link asks for, starting from the given draft. */
export function followGenerationLink(link: GenerationLink, initial: GenerationDraft): GenerationDraft {
  const settings = { ...initial.settings };
  for (const [path, key] of SETTINGS) if (link[key] !== undefined) settings[path] = Number(link[key]);
  return {
    subject: readSubject(link.generator ?? '') ?? initial.subject,
    prompt: link.prompt ?? initial.prompt,
    template: link.template ?? initial.template,
    stops: link.stops ?? initial.stops,
    settings,
  };
}

/** What a link must carry to come back to this draft. A text that is too long stays on the page. */
export function generationLink(draft: GenerationDraft, initial: GenerationDraft): GenerationLink {
  const link: Record<string, string> = {};
  const put = (key: string, text: string, usual: string) => {
    if (text !== usual && problemOf(key, text, initial) === null) link[key] = text;
  };
  put('prompt', draft.prompt, initial.prompt);
  put('generator', draft.subject, initial.subject);
  put('template', draft.template, initial.template);
  put('stops', draft.stops, initial.stops);
  for (const [path, key] of SETTINGS) put(key, String(draft.settings[path]), String(initial.settings[path]));
  return link;
}
