import type { RunConfig } from '../../contract/config';
import type { DeviceReport, PairReport, StudentReport } from '../../contract/events';
import { METHODS } from '../../contract/methods/index';
import type { Methods } from '../../contract/methods/method';
import { findPreset, PRESETS, type Preset, presetsOf } from '../../contract/presets';
import type { KeptTeacher } from '../../contract/roles';
import type { RunCost } from '../../contract/run-cost';
import type { SavedRun } from '../../contract/saved-run';
import type { DamagedRow } from '../../storage/rows';
import { defaultSettings, type ProviderChoice, type Settings } from '../../storage/rows';
import type { KeptStudent } from '../../storage/students';
import { type ArenaState, initialArena } from './arena';
import { type CheckState, initialCheck } from './check';
import type { DataState } from './data';
import { dataOfLink } from './data-link';
import { type WantedDevice, wantedOf } from './device-link';
import type { RunChoices } from './draft';
import { type EvaluationState, initialEvaluation } from './evaluation';
import { type Forms, followFormsLink } from './forms';
import { type GenerationState, initialGeneration, initialGenerationDraft } from './generation';
import { followGenerationLink } from './generation-link';
import { type History, noHistory } from './history';
import { initialLens, type LensState } from './lens';
import { initialDraft } from './lens-draft';
import { followLensLink } from './lens-link';
import { type Link, parseLink } from './link';
import { initialModelFile, type ModelFileState } from './model-file';
import { initialPageCopy, type PageCopyState } from './page-copy';
import type { Recovery } from './recovery';
import { initialRun, type RunState } from './run';
import { configOfLink } from './run-link';
import { initialRunZip, type RunZipState } from './run-zip';
import { initialSources, type SourcesState } from './sources';
import { initialStopping, type StoppingState } from './stopping';
import { type Failure, idle, type Task } from './task';
import { initialThoughtTest, type ThoughtTestState } from './thought-test';
import { initialLatents, type LatentsState } from './thoughts';

/** A message shown until it is dismissed. */
export interface Notice {
  readonly id: number;
  readonly kind: 'info' | 'warning';
  readonly text: string;
}

export const TOUR_STEPS = ['device', 'pair', 'spectra', 'distil', 'latents'] as const;
export type TourStep = (typeof TOUR_STEPS)[number];

/** The guided run through all steps. */
export interface Tour {
  readonly task: Task<true>;
  /** The current step, or the one in which it ended. */
  readonly step: TourStep | null;
  readonly done: readonly TourStep[];
}

export interface AppState {
  /** Whether the initial place is known: it depends on stored settings unless a link names it. */
  readonly isPlaceKnown: boolean;
  /** The methods that can be trained, and their presets. */
  readonly methods: Methods;
  readonly presets: readonly Preset[];
  readonly link: Link;
  readonly linkProblems: readonly string[];
  readonly settings: Settings;
  readonly notices: readonly Notice[];
  /** Why the engine died, if it did. */
  readonly dead: Failure | null;
  /** WASM ran out of memory, which it keeps until the engine is restarted. */
  readonly isHeapFull: boolean;
  readonly device: Task<DeviceReport>;
  /** What a link asks of the device. */
  readonly wanted: WantedDevice;
  /** The providers that were chosen before the one in the settings. */
  readonly providers: History<ProviderChoice>;
  readonly pair: Task<PairReport>;
  readonly check: CheckState;
  readonly arena: ArenaState;
  readonly thoughtTest: ThoughtTestState;
  readonly evaluation: EvaluationState;
  readonly stopping: StoppingState;
  /** Settings of the forms that do nothing by themselves. */
  readonly forms: Forms;
  readonly data: DataState;
  readonly lens: LensState;
  readonly sources: SourcesState;
  readonly pageCopy: PageCopyState;
  /** The configuration being edited; it may be invalid meanwhile. */
  readonly draft: RunConfig;
  /** What Undo and Redo put into its form. */
  readonly draftHistory: History<RunChoices>;
  readonly run: RunState;
  /** The configuration that the engine's student was trained with. */
  readonly studentConfig: RunConfig | null;
  /** Describes that student. */
  readonly student: StudentReport | null;
  /** The cost of the form's run. */
  readonly cost: Task<RunCost>;
  /** The student that the engine keeps as teacher. */
  readonly teacher: KeptTeacher | null;
  readonly saved: readonly SavedRun[];
  /** Stored rows that cannot be read. */
  readonly damaged: readonly DamagedRow[];
  /** Ids of stored runs that are in progress, here or in another tab. */
  readonly underWay: ReadonlySet<string>;
  /** The stored students, by run id. */
  readonly kept: ReadonlyMap<string, KeptStudent>;
  /** The run whose student the engine has. */
  readonly studentRun: string | null;
  /** The opening of a stored student. */
  readonly opening: Task<StudentReport>;
  /** The interrupted run that the page offers to resume. */
  readonly offered: string | null;
  /** What becomes of the last run whose GPU was lost. */
  readonly recovery: Recovery | null;
  /** The run deleted last, which can be restored. */
  readonly deleted: SavedRun | null;
  /** Ids of the runs that are compared. */
  readonly compared: readonly string[];
  readonly latents: LatentsState;
  readonly modelFile: ModelFileState;
  readonly runZip: RunZipState;
  readonly generation: GenerationState;
  readonly tour: Tour;
}

export const initialTour: Tour = { task: idle, step: null, done: [] };

/** The configuration of a preset; that of the first preset if the id is unknown. */
export const presetConfig = (id: string | null, presets: readonly Preset[] = PRESETS): RunConfig =>
  (findPreset(id, presets) ?? presets[0]!).config;

export function initialState(hash: string, methods: Methods = METHODS): AppState {
  const presets = presetsOf(methods);
  const { link, problems, notes } = parseLink(hash, methods);
  const asked = configOfLink(link, presets, methods);
  return {
    isPlaceKnown: hash.replace(/^#?\/?/, '') !== '',
    methods,
    presets,
    link,
    linkProblems: [...problems, ...asked.problems],
    settings: defaultSettings,
    // Negative, so that they never collide with later notices.
    notices: notes.map((text, i) => ({ id: -1 - i, kind: 'info', text })),
    dead: null,
    isHeapFull: false,
    device: idle,
    wanted: wantedOf(link.device),
    providers: noHistory,
    pair: idle,
    check: initialCheck,
    arena: initialArena,
    thoughtTest: initialThoughtTest,
    evaluation: initialEvaluation,
    stopping: initialStopping,
    forms: followFormsLink(link.forms),
    data: dataOfLink(link.data),
    lens: { ...initialLens, ...followLensLink(link.lens, initialDraft()) },
    sources: initialSources,
    pageCopy: initialPageCopy,
    draft: asked.config ?? presetConfig(link.preset, presets),
    draftHistory: noHistory,
    run: initialRun,
    studentConfig: null,
    student: null,
    teacher: null,
    cost: idle,
    saved: [],
    damaged: [],
    underWay: new Set(),
    kept: new Map(),
    studentRun: null,
    opening: idle,
    recovery: null,
    offered: null,
    deleted: null,
    compared: [],
    latents: initialLatents,
    modelFile: initialModelFile,
    runZip: initialRunZip,
    generation: {
      ...initialGeneration,
      draft: followGenerationLink(link.generation, initialGenerationDraft),
    },
    tour: initialTour,
  };
}
