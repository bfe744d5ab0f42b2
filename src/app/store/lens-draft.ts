import { type DataFilter, NO_FILTER } from '../../contract/data';
import {
  type Control,
  FIGURE_6,
  type LensRequest,
  type Section,
  type Selection,
  type Source,
  type Stack,
  type Subject,
} from '../../contract/lens';
import { readSpan } from '../../contract/span';
import { defaultSettings } from '../../storage/rows';
import { readLayers } from './layers';
import { SEEDS, type WholeRange, whole } from './whole';

/** The lens request as it is being edited; it may be invalid meanwhile. */

/** A subject as one word: `teacher`, `student`, `student-3` (its checkpoint 3). */
export type SubjectId = 'teacher' | 'base' | 'student' | 'opened' | `student-${number}`;

export function subjectOf(id: SubjectId): Subject {
  const checkpoint = /^student-(\d+)$/.exec(id)?.[1];
  if (checkpoint !== undefined) return { kind: 'student', checkpoint: Number(checkpoint) };
  return { kind: id as Exclude<SubjectId, `student-${number}`> };
}

export const subjectId = (subject: Subject): SubjectId =>
  subject.kind === 'student' && subject.checkpoint !== undefined
    ? `student-${subject.checkpoint}`
    : subject.kind;

/** @returns the subject that the word names, or `null` */
export const readSubject = (word: string): SubjectId | null =>
  /^(teacher|base|student|opened|student-\d{1,6})$/.test(word) ? (word as SubjectId) : null;

export interface LensDraft {
  readonly source: Source['kind'];
  /** B, and the seed that draws them. */
  readonly samples: number;
  readonly drawSeed: number;
  /** Which rows of the data set are drawn from, if the source is rows. */
  readonly rowsFilter: DataFilter;
  /** Sample ids as typed, separated by spaces or commas. */
  readonly ids: string;
  /** Texts as typed, one per line. */
  readonly texts: string;
  readonly subject: SubjectId;
  readonly sections: readonly Section[];
  /** The subject overlaid on the first, if any. */
  readonly overlay: SubjectId | null;
  readonly overlaySections: readonly Section[];
  readonly layers: string;
  /** Tokens of each sequence, as typed. */
  readonly span: string;
  readonly stack: Stack;
  readonly centre: boolean;
  readonly controls: readonly Control[];
  readonly seed: number;
  readonly tucker: boolean;
  readonly trajectories: LensRequest['trajectories'];
  /** r of the compared subspaces, if there is an overlay. */
  readonly angles: number;
  /** Layers of a file of hidden states, as typed; empty for those above. */
  readonly fileLayers: string;
}

/** Initial r when two subjects are compared. */
const ANGLES = 4;

/** The sections shown by default. */
export const usualSections = (subject: SubjectId, source: Source['kind']): readonly Section[] =>
  source === 'texts'
    ? ['text']
    : subjectOf(subject).kind === 'student'
      ? ['latent']
      : FIGURE_6.selections[0]!.sections;

/** Figure 6 on `samples` samples. */
export function initialDraft(samples = defaultSettings.spectraSamples): LensDraft {
  const { selections, layers: _layers, span: _tokens, ...rest } = FIGURE_6;
  const subject = subjectId(selections[0]!.subject);
  return {
    ...rest,
    source: 'problems',
    samples,
    drawSeed: FIGURE_6.seed,
    rowsFilter: NO_FILTER,
    ids: '',
    texts: '',
    subject,
    sections: usualSections(subject, 'problems'),
    overlay: null,
    overlaySections: usualSections('student', 'problems'),
    layers: 'all',
    span: 'all',
    angles: ANGLES,
    fileLayers: '',
  };
}

/**
 * The draft after a change. If the subject or source changes on its own, sections return to their defaults, except those the
 * user chose and the new subject also has.
 */
export function changeDraft(draft: LensDraft, change: Partial<LensDraft>): LensDraft {
  const next = { ...draft, ...change };
  const moved = change.source !== undefined && change.source !== draft.source;
  const chosen = (before: SubjectId | null, now: readonly Section[]) =>
    before !== null && `${now}` !== `${usualSections(before, draft.source)}`;
  const follow = (
    before: SubjectId | null,
    subject: SubjectId | null,
    changed: boolean,
    given: boolean,
    now: readonly Section[],
  ) => {
    if (subject === null || given || !(changed || moved)) return now;
    const stay = chosen(before, now) && sectionError(next.source, subject, now) === null;
    return stay ? now : usualSections(subject, next.source);
  };
  return {
    ...next,
    sections: follow(draft.subject, next.subject, 'subject' in change, 'sections' in change, next.sections),
    overlaySections: follow(
      draft.overlay,
      next.overlay,
      'overlay' in change,
      'overlaySections' in change,
      next.overlaySections,
    ),
  };
}

export const idsOf = ({ ids }: Pick<LensDraft, 'ids'>) => [...new Set(ids.split(/[\s,;]+/).filter(Boolean))];
export const textsOf = ({ texts }: Pick<LensDraft, 'texts'>) =>
  texts
    .split(/\r?\n/)
    // A space before a text is a token of its own to some tokenizers.
    .filter((line) => line.trim() !== '');

/** What is known about the examined model; `null` where unknown. */
export interface Bounds {
  readonly layers: number | null;
  readonly hidden: number | null;
}

/** Sizes of the first subject, and H of the one it is compared with. */
export interface DraftBounds extends Bounds {
  readonly overlayHidden: number | null;
}

/** Whether both subjects' states share one space, as far as is known; if not, angles are undefined. */
const shareSpace = ({ hidden, overlayHidden }: DraftBounds) =>
  hidden === null || overlayHidden === null || hidden === overlayHidden;

/** Maximum number of samples in a request. */
export const MAX_SAMPLES = 128;
/** Most directions whose angles are compared. */
const MAX_ANGLES = 64;

type LensNumber = 'samples' | 'drawSeed' | 'seed' | 'angles';

/** What its numbers may be. @param hidden H of the examined model, if known */
export const lensRanges = (hidden: number | null = null): Readonly<Record<LensNumber, WholeRange>> => ({
  samples: [1, MAX_SAMPLES],
  drawSeed: SEEDS,
  seed: SEEDS,
  angles: [0, Math.min(MAX_ANGLES, hidden ?? MAX_ANGLES)],
});

/** Total over all typed texts. */
const MAX_CHARACTERS = 1_000_000;

/** What is wrong with the draft, by field; empty if nothing is. The engine knows more and may still refuse it. */
export function draftErrors(draft: LensDraft, bounds: DraftBounds): ReadonlyMap<keyof LensDraft, string> {
  const errors = new Map<keyof LensDraft, string>();
  const say = (field: keyof LensDraft, error: string | null) => error !== null && errors.set(field, error);
  const ranges = lensRanges(bounds.hidden);
  const number = (field: LensNumber) => say(field, whole(draft[field], ...ranges[field]));
  if (draft.source === 'problems' || draft.source === 'rows') {
    number('samples');
    number('drawSeed');
  } else {
    const [field, list] =
      draft.source === 'ids' ? (['ids', idsOf(draft)] as const) : (['texts', textsOf(draft)] as const);
    const what = field === 'ids' ? 'sample ids, such as “train-0 train-7”' : 'texts, one per line';
    if (list.length === 0 || list.length > MAX_SAMPLES)
      say(field, `Give 1 to ${MAX_SAMPLES} ${what}; there are ${list.length}.`);
    if (field === 'texts' && draft.texts.length > MAX_CHARACTERS)
      say(field, `Give at most ${MAX_CHARACTERS} characters; there are ${draft.texts.length}.`);
  }
  say('layers', readLayers(draft.layers, bounds.layers).error);
  say('span', readSpan(draft.span).error);
  number('seed');
  say('controls', controlError(draft));
  say('sections', sectionError(draft.source, draft.subject, draft.sections));
  if (draft.overlay !== null) {
    number('angles');
    say('overlaySections', sectionError(draft.source, draft.overlay, draft.overlaySections));
    if (draft.trajectories !== null && !shareSpace(bounds))
      say(
        'trajectories',
        `Hidden sizes ${bounds.hidden} and ${bounds.overlayHidden} have no directions in common: leave trajectories out, or compare models of one size.`,
      );
    if (draft.overlay === draft.subject && `${draft.sections}` === `${draft.overlaySections}`)
      say('overlay', 'This is the same as the first: choose another subject, or other parts.');
  }
  return errors;
}

function sectionError(source: Source['kind'], subject: SubjectId, sections: readonly Section[]) {
  if (sections.length === 0) return 'Choose at least one part.';
  const texts = source === 'texts';
  if (sections.some((section) => (section === 'text') !== texts))
    return texts
      ? 'A typed text has one part: the text.'
      : 'Problems have a question, a rationale and an answer.';
  const { kind } = subjectOf(subject);
  if (sections.includes('latent') && kind !== 'student' && kind !== 'base')
    return 'Only the student and the base have latent steps: choose the rationale.';
  if (sections.includes('latent') && sections.includes('rationale'))
    return 'Rationale and latents never come from one pass: choose one, and compare it with the other.';
  return null;
}

/** Controls that would duplicate the first selection, or cannot be derived from it. */
function controlError({ source, controls, sections, samples, ids }: LensDraft): string | null {
  const after = sections.some((section) => section !== 'question');
  if (!after && (controls.includes('random-tokens') || controls.includes('other-prompt')))
    return 'Random tokens and another prompt change what follows the question: choose more than the question.';
  if (!controls.includes('other-prompt')) return null;
  if (source === 'texts') return 'A typed text has no prompt to replace.';
  if (sections.includes('latent'))
    return 'Latents after another prompt belong to that prompt, so they are not a control.';
  if ((source === 'ids' ? idsOf({ ids }).length : samples) < 2)
    return 'Another prompt needs a second sample: choose two or more.';
  return null;
}

/** The request for a draft without errors. */
export function requestOf(draft: LensDraft, bounds: DraftBounds): LensRequest {
  const source: Source =
    draft.source === 'problems'
      ? { kind: 'problems', seed: draft.drawSeed, samples: draft.samples }
      : draft.source === 'rows'
        ? { kind: 'rows', seed: draft.drawSeed, samples: draft.samples, filter: draft.rowsFilter }
        : draft.source === 'ids'
          ? { kind: 'ids', ids: idsOf(draft) }
          : { kind: 'texts', texts: textsOf(draft) };
  const selections: Selection[] = [{ subject: subjectOf(draft.subject), sections: draft.sections }];
  if (draft.overlay !== null)
    selections.push({ subject: subjectOf(draft.overlay), sections: draft.overlaySections });
  const { stack, centre, controls, seed, tucker, trajectories } = draft;
  const { span } = readSpan(draft.span);
  return {
    source,
    selections,
    layers: readLayers(draft.layers, null).layers,
    ...(span && { span }),
    stack,
    centre,
    controls,
    seed,
    tucker,
    trajectories,
    angles: draft.overlay === null || !shareSpace(bounds) ? 0 : draft.angles,
  };
}
