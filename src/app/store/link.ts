import { METHODS } from '../../contract/methods/index';
import type { Methods } from '../../contract/methods/method';
import { findPreset, presetsOf } from '../../contract/presets';
import { parseSource, writeSource } from '../../hub/source';
import { THEMES, type Theme } from '../../storage/rows';
import { ARENA_KEYS, type ArenaLink, readArenaLink } from './arena-link';
import { DATA_KEYS, type DataLink, readDataLink } from './data-link';
import { setIn } from './data-set-link';
import { DEVICE_KEYS, type DeviceLink, readDeviceLink } from './device-link';
import { FORM_KEYS, type FormsLink, readFormsLink } from './forms';
import { initialGenerationDraft } from './generation';
import { GENERATION_KEYS, type GenerationLink, readGenerationLink } from './generation-link';
import { LENS_KEYS, type LensLink, readLensLink } from './lens-link';
import { quoted } from './link-text';
import { MOMENT_KEYS, type MomentLink, readMomentLink } from './moment-link';
import { RUN_KEYS, type RunLink, readRunLink } from './run-link';
import { sentencesOf } from './task';

/** What a link carries: `#/distil?preset=codi-128&question=held-out-3&theme=dark`. */
export const PANELS = ['tour', 'model', 'data', 'lowrank', 'generate', 'distil', 'latents', 'arena'] as const;
export type PanelName = (typeof PANELS)[number];

export interface Link {
  readonly panel: PanelName;
  readonly preset: string | null;
  /** A held-out problem (`held-out-3`) or the text of a question. */
  readonly question: string | null;
  readonly theme: Theme | null;
  /** A model on the Hub that the Model place asks about: `org/name@revision`. It is never fetched by itself. */
  readonly model: string | null;
  /** The provider, and how the opened model is stored. */
  readonly device: DeviceLink;
  /** What the Low-rank place shows, and how. */
  readonly lens: LensLink;
  /** Which rows of a data set are shown and sampled. */
  readonly data: DataLink;
  /** What the Generate place continues, and how. */
  readonly generation: GenerationLink;
  /** What the Latents place shows of an open question. */
  readonly moment: MomentLink;
  /** Who takes part in the Arena, and on what. */
  readonly arena: ArenaLink;
  /** What the forms of its place hold. */
  readonly forms: FormsLink;
  /** A stored run, and the settings of the form. */
  readonly run: RunLink;
}

export const MAX_QUESTION_LENGTH = 2000;
const oneOf = (names: readonly string[]) => names.join(', ');

/** Reads a hash. Anything unusable is left out and named in `problems`; it never throws. */
export function parseLink(
  hash: string,
  methods: Methods = METHODS,
): {
  readonly link: Link;
  readonly problems: readonly string[];
  /** Notes on former names that were followed. */
  readonly notes: readonly string[];
} {
  const presets = presetsOf(methods);
  const problems: string[] = [];
  const notes: string[] = [];
  const [path = '', query = ''] = hash.replace(/^#?\/?/, '').split(/\?(.*)/s);
  const wanted = path === '' ? 'model' : path;
  const panel = PANELS.find((name) => name === wanted);
  if (!panel) problems.push(`unknown place ${quoted(path)}: expected ${oneOf(PANELS)}`);

  const values = new URLSearchParams(query);
  const named = values.get('preset');
  const preset = findPreset(named, presets) ?? null;
  if (named !== null && !preset)
    problems.push(`unknown preset ${quoted(named)}: expected ${oneOf(presets.map(({ id }) => id))}`);
  else if (preset && preset.id !== named)
    notes.push(`The preset ${named} is now called ${preset.id} (${preset.name}); its values are today’s.`);
  const theme = values.get('theme');
  if (theme !== null && !THEMES.includes(theme as Theme))
    problems.push(`unknown theme ${quoted(theme)}: expected ${oneOf(THEMES)}`);
  const question = values.get('question');
  if (question !== null && question.length > MAX_QUESTION_LENGTH) {
    problems.push(`the question of ${question.length} characters is longer than ${MAX_QUESTION_LENGTH}`);
  }
  const { model, problem } = readModel(values.get('model'));
  if (problem !== null) problems.push(problem);
  const { lens, problems: more } = readLensLink(values);
  const { generation, problems: others } = readGenerationLink(values, initialGenerationDraft);
  const { data, problems: ofData } = readDataLink(values);
  const { moment, problems: ofMoment } = readMomentLink(values);
  const { device, problems: ofDevice } = readDeviceLink(values);
  const { forms, problems: ofForms } = readFormsLink(values);
  const { run, problems: ofRun } = readRunLink(values);
  const { arena, problems: ofArena } = readArenaLink(values, methods);
  problems.push(...more, ...others, ...ofData, ...ofMoment, ...ofForms, ...ofDevice, ...ofRun, ...ofArena);
  const known = [
    ...['preset', 'theme', 'question', 'model', ...RUN_KEYS],
    ...[...LENS_KEYS, ...GENERATION_KEYS, ...DATA_KEYS, ...MOMENT_KEYS, ...ARENA_KEYS],
    ...[...FORM_KEYS, ...DEVICE_KEYS],
  ];
  for (const key of new Set(values.keys())) {
    if (!known.includes(key)) problems.push(`unknown value ${quoted(key)}`);
    else if (values.getAll(key).length > 1)
      problems.push(`${key} is given ${values.getAll(key).length} times: the first is followed`);
  }
  return {
    link: {
      panel: panel ?? 'model',
      preset: preset?.id ?? null,
      theme: THEMES.find((name) => name === theme) ?? null,
      model,
      device,
      question:
        question !== null && question.length <= MAX_QUESTION_LENGTH && question !== '' ? question : null,
      lens,
      data,
      generation,
      arena,
      // In the other places the run belongs to the link itself, not to the moment.
      moment: panel === 'latents' ? moment : withoutRun(moment),
      forms,
      run: panel === 'latents' ? NO_RUN : run,
    },
    problems,
    notes,
  };
}

/** The model of a link in its shortest form, or what is wrong with it. */
function readModel(text: string | null): { readonly model: string | null; readonly problem: string | null } {
  if (text === null || text === '') return { model: null, problem: null };
  try {
    return { model: writeSource(parseSource(text)), problem: null };
  } catch (thrown) {
    return { model: null, problem: `the model: ${sentencesOf(thrown)}` };
  }
}

const NO_RUN: RunLink = { kept: null, set: null };
const withoutRun = ({ kept: _, ...moment }: MomentLink): MomentLink => moment;

/** Places that show a stored run, or its student. */
const RUN_PANELS: readonly PanelName[] = ['distil', 'lowrank', 'generate'];

export function formatLink(link: Link): string {
  const { panel, preset, question, theme, model, lens, data, generation, moment, arena, run } = link;
  const { forms, device } = link;
  const values = new URLSearchParams();
  if (preset !== null) values.set('preset', preset);
  if (question !== null) values.set('question', question);
  if (theme !== null) values.set('theme', theme);
  if (panel === 'model' && model !== null) values.set('model', model);
  if (panel === 'model') for (const [key, text] of Object.entries(device)) values.set(key, text);
  if (panel === 'lowrank') for (const [key, text] of Object.entries(lens)) values.set(key, text);
  // Rows are those of a set.
  if (panel === 'lowrank' && lens.source === 'rows')
    for (const [key, text] of Object.entries(setIn(data))) values.set(key, text);
  if (panel === 'data') for (const [key, text] of Object.entries(data)) values.set(key, text);
  if (panel === 'generate') for (const [key, text] of Object.entries(generation)) values.set(key, text);
  if (panel === 'distil' && run.set !== null) values.set('set', run.set);
  if (RUN_PANELS.includes(panel) && run.kept !== null) values.set('kept', run.kept);
  if (panel === 'arena') for (const [key, text] of Object.entries(arena)) values.set(key, text);
  for (const [key, text] of Object.entries(forms)) values.set(key, text);
  if (panel === 'latents') for (const [key, text] of Object.entries(moment)) values.set(key, text);
  // Commas, slashes and @ need no escaping in a query; nor do the separators of settings.
  const query = values.toString().replaceAll('%2C', ',').replaceAll('%2F', '/').replaceAll('%40', '@');
  const plain =
    panel === 'distil' ? query.replaceAll('%3A', ':').replaceAll('%3B', ';').replaceAll('%3D', '=') : query;
  return `#/${panel}${plain && `?${plain}`}`;
}
