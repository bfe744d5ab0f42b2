import {
  GENERATE_SETTINGS,
  type GeneratedToken,
  type GenerateEnding,
  type GenerateEvent,
  type GenerateReport,
  type GenerateRequest,
  type GenerateSettings,
  generateDefaults,
  generateRequest,
  MAX_STOP_TEXT,
  MAX_STOPS,
  type TokenText,
} from '../../contract/generate';
import { expectedText } from '../../contract/settings';
import { type History, noHistory, remember, stepped } from './history';
import { type SubjectId, subjectOf } from './lens-draft';
import { idle, type Task } from './task';

/** The request while it is edited, when it may be invalid. */
export interface GenerationDraft {
  readonly subject: SubjectId;
  readonly prompt: string;
  /** The chat template that the prompt is put into; empty for none. */
  readonly template: string;
  /** Stop strings as typed, one per line. */
  readonly stops: string;
  readonly settings: GenerateSettings;
}

/** A token, and the text readable once it had arrived. */
export interface LiveToken extends GeneratedToken {
  readonly piece: string;
}

export interface LiveSample {
  readonly text: string;
  readonly tokens: readonly LiveToken[];
  readonly ending: GenerateEnding | null;
}

/** What has arrived so far from the current or last generation. */
export interface LiveGeneration {
  readonly request: GenerateRequest;
  readonly prompt: readonly TokenText[];
  readonly samples: readonly LiveSample[];
  readonly tokensPerSecond: number | null;
  /** Set once it has ended by itself; `null` while it runs, or if it was stopped. */
  readonly report: GenerateReport | null;
}

/** What Undo brings back: everything but the prompt, for which the field has the browser's own. */
export type GenerationChoices = Omit<GenerationDraft, 'prompt'>;

export interface GenerationState extends History<GenerationChoices> {
  readonly draft: GenerationDraft;
  readonly task: Task<GenerateReport>;
  readonly live: LiveGeneration | null;
}

export const initialGenerationDraft: GenerationDraft = {
  subject: 'teacher',
  prompt: 'Tom has 12 apples. He buys 3 more. How many apples does Tom have now?',
  template: '',
  stops: '',
  settings: generateDefaults,
};

export const initialGeneration: GenerationState = {
  draft: initialGenerationDraft,
  ...noHistory,
  task: idle,
  live: null,
};

export const choicesOf = ({ prompt: _, ...choices }: GenerationDraft): GenerationChoices => choices;

/**
 * The state after a change of the request. @param field what is typed into, if it is: continued typing there is one undo step
 */
export function changedGeneration(
  state: GenerationState,
  change: Partial<GenerationDraft>,
  field: string | null = null,
): GenerationState {
  const draft = { ...state.draft, ...change };
  const before = choicesOf(state.draft);
  if (JSON.stringify(choicesOf(draft)) === JSON.stringify(before)) return { ...state, draft };
  return { ...state, draft, ...remember(state, before, field) };
}

/** The state one step back or forward; the prompt stays as it is. */
export function steppedGeneration(state: GenerationState, way: 'undo' | 'redo'): GenerationState {
  const step = stepped(way, state, choicesOf(state.draft));
  return step === null ? state : { ...state, draft: { ...state.draft, ...step.settings }, ...step.history };
}

/** What can be typed for characters that would end a line or cannot be seen. */
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', '\\': '\\' };

/** One per line; `\n`, `\t` and `\\` stand for a line end, a tab and a backslash. */
const stopsOf = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/\\([nt\\])/g, (_, letter: string) => ESCAPES[letter] as string));

export const generationRequestOf = ({
  subject,
  prompt,
  template,
  stops,
  settings,
}: GenerationDraft): GenerateRequest => ({
  subject: subjectOf(subject),
  prompt,
  ...(template !== '' && { template }),
  stop: stopsOf(stops),
  settings,
});

/** What is wrong with the draft, by field. */
export function generationErrors(draft: GenerationDraft): ReadonlyMap<string, string> {
  const errors = new Map<string, string>();
  const result = generateRequest.safeParse(generationRequestOf(draft));
  for (const { path, message, code } of result.error?.issues ?? []) {
    const [field, name] = path as [string, string | undefined];
    const setting =
      field === 'settings' ? GENERATE_SETTINGS.find(({ path: key }) => key === name) : undefined;
    if (setting) {
      const what = code === 'custom' ? message : `${expectedText(setting)}.`;
      // Of several the first: a number out of range is also what else is wrong with it.
      if (!errors.has(setting.path)) errors.set(setting.path, `${setting.label}: ${what}`);
    } else if (field === 'stop')
      errors.set('stops', `At most ${MAX_STOPS} lines of at most ${MAX_STOP_TEXT} characters are expected.`);
    else errors.set(field, message);
  }
  if (draft.prompt === '') errors.set('prompt', 'Type a text to continue.');
  return errors;
}

/** The state before the first event of a generation. */
export const liveOf = (request: GenerateRequest): LiveGeneration => ({
  request,
  prompt: [],
  samples: Array.from({ length: request.settings.samples }, () => ({ text: '', tokens: [], ending: null })),
  tokensPerSecond: null,
  report: null,
});

/** The state after another event. */
export function heard(live: LiveGeneration, event: GenerateEvent): LiveGeneration {
  if (event.kind === 'prompt') return { ...live, prompt: event.tokens };
  const samples = live.samples.map((sample, i): LiveSample => {
    if (i !== event.sample) return sample;
    const text = sample.text + event.text;
    return event.kind === 'ended'
      ? { ...sample, text, ending: event.ending }
      : { ...sample, text, tokens: [...sample.tokens, { ...event.token, piece: event.text }] };
  });
  return {
    ...live,
    samples,
    tokensPerSecond: event.kind === 'token' ? event.tokensPerSecond : live.tokensPerSecond,
  };
}
