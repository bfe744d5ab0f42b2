import type { ModelReport } from '../../contract/events';
import type {
  CausalPoint,
  CausalReport,
  CheckpointReport,
  LensCost,
  LensReport,
  Subject,
} from '../../contract/lens';
import type { StatesFile } from '../../contract/states';
import type { StorageErrors } from '../../contract/weight-storage';
import { type CausalDraft, initialCausalDraft } from './causal-draft';
import { changeDraft, initialDraft, type LensDraft } from './lens-draft';
import type { LensView } from './lens-link';
import { idle, type Task } from './task';

/** The page's state of the low-rank place. */
export interface LensState {
  readonly view: LensView;
  readonly draft: LensDraft;
  /** Drafts for undo, most recent last, and for redo. */
  readonly past: readonly LensDraft[];
  readonly future: readonly LensDraft[];
  /** The fields of the last change: continued typing in one field is a single undo step. */
  readonly touched: string | null;
  /** The cost of the form's request; idle while it is unknown. */
  readonly cost: Task<LensCost>;
  readonly report: Task<LensReport>;
  /** Whether their model has since been retrained or reopened: they stay visible, but nothing is added. */
  readonly outlived: { readonly report: boolean; readonly causal: boolean };
  readonly causalDraft: CausalDraft;
  readonly causal: Task<CausalReport>;
  /** Points of the current causal test as they arrive. */
  readonly points: readonly CausalPoint[];
  /** The rank whose accuracy is displayed. */
  readonly rank: number | null;
  readonly checkpoints: readonly CheckpointReport[];
  readonly opened: Task<ModelReport>;
  /** How much storing it in fewer bits changes it. */
  readonly storage: Task<StorageErrors>;
  /** The file of hidden states written last. */
  readonly file: Task<WrittenFile>;
}

/** A file of hidden states; its contents were handed to the caller. */
export type WrittenFile = Pick<StatesFile, 'name' | 'shape' | 'label' | 'samples'> & {
  readonly bytes: number;
};

export const initialLens: LensState = {
  view: 'spectra',
  draft: initialDraft(),
  past: [],
  future: [],
  touched: null,
  cost: idle,
  report: idle,
  outlived: { report: false, causal: false },
  causalDraft: initialCausalDraft,
  causal: idle,
  points: [],
  rank: null,
  checkpoints: [],
  opened: idle,
  storage: idle,
  file: idle,
};

/** What survives the engine: the reports. Checkpoints and the opened model are lost with it. */
export const withoutEngine = (state: LensState): LensState => ({
  ...state,
  ...outlived(state, ({ kind }) => kind === 'student' || kind === 'opened'),
  checkpoints: [],
  opened: idle,
  storage: idle,
});

/** The state after subjects of this kind have changed. */
export const outlived = (
  { report, causal, outlived: before }: LensState,
  gone: (subject: Subject) => boolean,
): Pick<LensState, 'outlived'> => ({
  outlived: {
    report: before.report || (report.value?.request.selections.some(({ subject }) => gone(subject)) ?? false),
    causal: before.causal || (causal.value !== null && gone(causal.value.request.subject)),
  },
});

/** Maximum number of undo steps. */
const MAX_PAST = 100;

/** Fields that the user types into. */
const TYPED: readonly (keyof LensDraft)[] = [
  'samples',
  'drawSeed',
  'ids',
  'texts',
  'layers',
  'seed',
  'angles',
];

export type LensEdit =
  | { readonly type: 'change'; readonly change: Partial<LensDraft> }
  | { readonly type: 'undo' }
  | { readonly type: 'redo' }
  /** Set by a link or by stored settings: not undoable. */
  | { readonly type: 'replace'; readonly draft: LensDraft };

/** The state after an edit to the request. */
export function editLens(state: LensState, edit: LensEdit): LensState {
  const { draft, past, future } = state;
  switch (edit.type) {
    case 'change': {
      const next = changeDraft(draft, edit.change);
      const fields = Object.keys(edit.change) as (keyof LensDraft)[];
      const touched = fields.length === 1 && TYPED.includes(fields[0]!) ? fields[0]! : null;
      if (JSON.stringify(next) === JSON.stringify(draft)) return state;
      const goesOn = touched !== null && touched === state.touched;
      return {
        ...state,
        draft: next,
        past: goesOn ? past : [...past, draft].slice(-MAX_PAST),
        future: [],
        touched,
      };
    }
    case 'undo': {
      const before = past.at(-1);
      if (!before) return state;
      return {
        ...state,
        draft: before,
        past: past.slice(0, -1),
        future: [draft, ...future],
        touched: null,
      };
    }
    case 'redo': {
      const [after, ...rest] = future;
      if (!after) return state;
      return { ...state, draft: after, past: [...past, draft], future: rest, touched: null };
    }
    case 'replace':
      return { ...state, draft: edit.draft, past: [], future: [], touched: null };
  }
}
