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
import type { StorageErrors, WeightStorage } from '../../contract/weight-storage';
import { type History, noHistory, remember, stepped } from './history';
import { changeDraft, initialDraft, type LensDraft } from './lens-draft';
import type { LensView } from './lens-link';
import { idle, type Task } from './task';

/** The page's state of the low-rank place. */
export interface LensState extends History<LensDraft> {
  readonly view: LensView;
  readonly draft: LensDraft;
  /** The cost of the form's request; idle while it is unknown. */
  readonly cost: Task<LensCost>;
  readonly report: Task<LensReport>;
  /** Whether their model has since been retrained or reopened: they stay visible, but nothing is added. */
  readonly outlived: { readonly report: boolean; readonly causal: boolean };
  readonly causal: Task<CausalReport>;
  /** Points of the current causal test as they arrive. */
  readonly points: readonly CausalPoint[];
  /** The rank whose accuracy is displayed. */
  readonly rank: number | null;
  readonly checkpoints: readonly CheckpointReport[];
  readonly opened: Task<ModelReport>;
  /** How it was stored before. */
  readonly storages: History<WeightStorage>;
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
  ...noHistory,
  cost: idle,
  report: idle,
  outlived: { report: false, causal: false },
  causal: idle,
  points: [],
  rank: null,
  checkpoints: [],
  opened: idle,
  storages: noHistory,
  storage: idle,
  file: idle,
};

/** What survives the engine: the reports. Checkpoints and the opened model are lost with it. */
export const withoutEngine = (state: LensState): LensState => ({
  ...state,
  ...outlived(state, ({ kind }) => kind === 'student' || kind === 'opened'),
  checkpoints: [],
  opened: idle,
  storages: noHistory,
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

/** Fields that the user types into. */
const TYPED: readonly (keyof LensDraft)[] = [
  'samples',
  'drawSeed',
  'ids',
  'texts',
  'layers',
  'seed',
  'angles',
  'fileLayers',
];

export type LensEdit =
  | { readonly type: 'change'; readonly change: Partial<LensDraft> }
  | { readonly type: 'undo' }
  | { readonly type: 'redo' };

/** The state after an edit to the request. */
export function editLens(state: LensState, edit: LensEdit): LensState {
  const { draft } = state;
  switch (edit.type) {
    case 'change': {
      const next = changeDraft(draft, edit.change);
      if (JSON.stringify(next) === JSON.stringify(draft)) return state;
      const fields = Object.keys(edit.change) as (keyof LensDraft)[];
      const touched = fields.length === 1 && TYPED.includes(fields[0]!) ? fields[0]! : null;
      return { ...state, draft: next, ...remember(state, draft, touched) };
    }
    case 'undo':
    case 'redo': {
      const step = stepped(edit.type, state, draft);
      return step === null ? state : { ...state, draft: step.settings, ...step.history };
    }
  }
}
