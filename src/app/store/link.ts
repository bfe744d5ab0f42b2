import { findPreset, PRESETS, type Preset } from '../../contract/presets';
import { THEMES, type Theme } from '../../storage/rows';
import { DATA_KEYS, type DataLink, readDataLink } from './data-link';
import { LENS_KEYS, type LensLink, readLensLink } from './lens-link';

/** What a link carries: `#/distil?preset=codi-128&question=held-out-3&theme=dark`. */
export const PANELS = ['tour', 'model', 'data', 'lowrank', 'distil', 'latents'] as const;
export type PanelName = (typeof PANELS)[number];

export interface Link {
  readonly panel: PanelName;
  readonly preset: string | null;
  /** A held-out problem (`held-out-3`) or the text of a question. */
  readonly question: string | null;
  readonly theme: Theme | null;
  /** What the low-rank place looks at, and how. */
  readonly lens: LensLink;
  /** Which rows of a data set are looked at and drawn. */
  readonly data: DataLink;
}

export const LONGEST_QUESTION = 2000;
const quote = (text: string) => `"${text.length > 60 ? `${text.slice(0, 60)}…` : text}"`;
const oneOf = (names: readonly string[]) => names.join(', ');

/** Reads a hash. Whatever it cannot use is left out and named in `problems`; it never throws. */
export function parseLink(
  hash: string,
  presets: readonly Preset[] = PRESETS,
): {
  readonly link: Link;
  readonly problems: readonly string[];
  /** What was followed under another name. */
  readonly notes: readonly string[];
} {
  const problems: string[] = [];
  const notes: string[] = [];
  const [path = '', query = ''] = hash.replace(/^#?\/?/, '').split(/\?(.*)/s);
  const wanted = path === '' ? 'model' : path;
  const panel = PANELS.find((name) => name === wanted);
  if (!panel) problems.push(`unknown place ${quote(path)}; there are ${oneOf(PANELS)}`);

  const values = new URLSearchParams(query);
  const named = values.get('preset');
  const preset = findPreset(named, presets) ?? null;
  if (named !== null && !preset)
    problems.push(`unknown preset ${quote(named)}; there are ${oneOf(presets.map(({ id }) => id))}`);
  else if (preset && preset.id !== named)
    notes.push(`The preset ${named} is now called ${preset.id} (${preset.name}); its values are the same.`);
  const theme = values.get('theme');
  if (theme !== null && !THEMES.includes(theme as Theme))
    problems.push(`unknown theme ${quote(theme)}; there are ${oneOf(THEMES)}`);
  const question = values.get('question');
  if (question !== null && question.length > LONGEST_QUESTION) {
    problems.push(`the question of ${question.length} characters is longer than ${LONGEST_QUESTION}`);
  }
  const { lens, problems: more } = readLensLink(values);
  const { data, problems: ofData } = readDataLink(values);
  problems.push(...more, ...ofData);
  for (const key of new Set(values.keys())) {
    if (!['preset', 'theme', 'question', ...LENS_KEYS, ...DATA_KEYS].includes(key))
      problems.push(`unknown value ${quote(key)}`);
  }
  return {
    link: {
      panel: panel ?? 'model',
      preset: preset?.id ?? null,
      theme: THEMES.find((name) => name === theme) ?? null,
      question: question !== null && question.length <= LONGEST_QUESTION && question !== '' ? question : null,
      lens,
      data,
    },
    problems,
    notes,
  };
}

export function formatLink({ panel, preset, question, theme, lens, data }: Link): string {
  const values = new URLSearchParams();
  if (preset !== null) values.set('preset', preset);
  if (question !== null) values.set('question', question);
  if (theme !== null) values.set('theme', theme);
  if (panel === 'lowrank') for (const [key, text] of Object.entries(lens)) values.set(key, text);
  if (panel === 'data') for (const [key, text] of Object.entries(data)) values.set(key, text);
  // Commas may stand in a query as they are.
  const query = values.toString().replaceAll('%2C', ',');
  return `#/${panel}${query && `?${query}`}`;
}
