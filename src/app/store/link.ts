import { PRESETS } from '../../contract/presets';
import { THEMES, type Theme } from '../../storage/rows';

/** The part of the page that a link carries: `#/distil?preset=lori-128&question=held-out-3&theme=dark`. */
export const PANELS = ['model', 'lowrank', 'distil', 'latents'] as const;
export type PanelName = (typeof PANELS)[number];

export interface Link {
  readonly panel: PanelName;
  readonly preset: string | null;
  /** A held-out problem (`held-out-3`) or the text of a question. */
  readonly question: string | null;
  readonly theme: Theme | null;
}

export const LONGEST_QUESTION = 2000;
const quote = (text: string) => `"${text.length > 60 ? `${text.slice(0, 60)}…` : text}"`;
const oneOf = (names: readonly string[]) => names.join(', ');

/** Reads a hash. Whatever it cannot use is left out and named in `problems`; it never throws. */
export function parseLink(hash: string): { readonly link: Link; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const [path = '', query = ''] = hash.replace(/^#?\/?/, '').split(/\?(.*)/s);
  const wanted = path === '' ? 'model' : path;
  const panel = PANELS.find((name) => name === wanted);
  if (!panel) problems.push(`unknown place ${quote(path)}; there are ${oneOf(PANELS)}`);

  const values = new URLSearchParams(query);
  const preset = values.get('preset');
  const presets = PRESETS.map(({ id }) => id);
  if (preset !== null && !presets.includes(preset))
    problems.push(`unknown preset ${quote(preset)}; there are ${oneOf(presets)}`);
  const theme = values.get('theme');
  if (theme !== null && !THEMES.includes(theme as Theme))
    problems.push(`unknown theme ${quote(theme)}; there are ${oneOf(THEMES)}`);
  const question = values.get('question');
  if (question !== null && question.length > LONGEST_QUESTION) {
    problems.push(`the question of ${question.length} characters is longer than ${LONGEST_QUESTION}`);
  }
  for (const key of new Set(values.keys())) {
    if (!['preset', 'theme', 'question'].includes(key)) problems.push(`unknown value ${quote(key)}`);
  }
  return {
    link: {
      panel: panel ?? 'model',
      preset: preset !== null && presets.includes(preset) ? preset : null,
      theme: THEMES.find((name) => name === theme) ?? null,
      question: question !== null && question.length <= LONGEST_QUESTION && question !== '' ? question : null,
    },
    problems,
  };
}

export function formatLink({ panel, preset, question, theme }: Link): string {
  const values = new URLSearchParams();
  if (preset !== null) values.set('preset', preset);
  if (question !== null) values.set('question', question);
  if (theme !== null) values.set('theme', theme);
  const query = values.toString();
  return `#/${panel}${query && `?${query}`}`;
}
