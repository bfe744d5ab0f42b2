import type { Progress } from '../../contract/events';
import type { Actions } from './app-store';
import { type Shown, shownRun } from './run-clock';
import type { SourcesState } from './sources';
import type { AppState, TourStep } from './state';
import { isBusy, type Status, type Task } from './task';

/** Names of the phases, wherever they are shown. */
export const PHASES: Readonly<Record<Progress['phase'], string>> = {
  load: 'Reading the weights',
  compile: 'Compiling programs',
  teacher: 'Running the teacher over the samples',
  factors: 'Decomposing the teacher’s states',
  train: 'Training',
  evaluate: 'Evaluating',
  states: 'Gathering hidden states',
  spectra: 'Decomposing',
  causal: 'Answering problems',
  thoughts: 'Answering problems',
  check: 'Checking the kernels',
  rows: 'Reading the data set',
  tokens: 'Counting tokens',
  write: 'Writing the file',
  generate: 'Generating',
};

export const TOUR_TITLES: Readonly<Record<TourStep, string>> = {
  device: 'Open the device',
  pair: 'Load the models',
  spectra: 'See the low rank',
  distil: 'Distil on 128 samples',
  latents: 'Step through latent thoughts',
};

/** A task in progress, as the bar shows it. */
export interface InHand {
  readonly id: string;
  readonly label: string;
  /** The current phase, if it has a name of its own. */
  readonly phase: string | null;
  readonly status: Status;
  readonly shown: Omit<Shown, 'phase'>;
  readonly isUnheard: boolean;
  readonly cancel: CancelName;
}

type CancelName = Extract<
  keyof Actions,
  | 'cancelDevice'
  | 'cancelPair'
  | 'cancelCheck'
  | 'cancelLens'
  | 'cancelCausal'
  | 'cancelThoughtTest'
  | 'cancelEvaluation'
  | 'cancelStopping'
  | 'cancelOpening'
  | 'cancelExport'
  | 'cancelModelExport'
  | 'cancelRunZip'
  | 'cancelData'
  | 'cancelFetching'
  | 'cancelDataLookUp'
  | 'cancelDataDownload'
  | 'cancelCounting'
  | 'cancelAnswers'
  | 'cancelLookUp'
  | 'cancelDownload'
  | 'cancelLatents'
  | 'cancelGeneration'
  | 'cancelRun'
  | 'cancelStorage'
  | 'cancelArena'
  | 'cancelTour'
>;

const NOTHING: Omit<Shown, 'phase'> = { done: 0, total: 0, unit: '', elapsed: 0, left: null };

const shownOf = (progress: Progress | null): Omit<Shown, 'phase'> =>
  progress === null ? NOTHING : { ...progress, left: progress.left ?? null };

type Watched = Pick<
  AppState,
  | 'device'
  | 'pair'
  | 'check'
  | 'data'
  | 'lens'
  | 'sources'
  | 'modelFile'
  | 'runZip'
  | 'latents'
  | 'thoughtTest'
  | 'evaluation'
  | 'stopping'
  | 'arena'
  | 'generation'
  | 'run'
  | 'tour'
>;

/** A download in progress, whose progress is told beside its task. */
function downloading(
  id: string,
  name: string,
  { download, transfer }: Pick<SourcesState, 'download' | 'transfer'>,
  cancel: CancelName,
) {
  const { done = 0, total = 0, left = null, waiting = null } = transfer ?? {};
  const shown = { done, total, unit: 'bytes', elapsed: 0, left };
  return { id, label: `Downloading ${name}`, phase: waiting?.why ?? null, cancel, ...pick(download), shown };
}

/** All tasks in progress, most recent first; the guided run stands for its steps. */
export function inHand(state: Watched): readonly InHand[] {
  const {
    device,
    pair,
    check,
    data,
    lens,
    sources,
    modelFile,
    runZip,
    latents,
    thoughtTest,
    evaluation,
    stopping,
    arena,
    generation,
    run,
    tour,
  } = state;
  const found: (InHand & { readonly turn: number })[] = [];
  const add = (id: string, label: string, task: Task<unknown>, cancel: CancelName) => {
    if (!isBusy(task)) return;
    const phase = task.status === 'starting' ? 'Waiting for the models' : nameOf(task.progress, label);
    found.push({ id, label, phase, cancel, ...pick(task), shown: shownOf(task.progress) });
  };
  add('device', 'Opening the device', device, 'cancelDevice');
  add('pair', 'Loading the models', pair, 'cancelPair');
  add('check', 'Checking the device', check.task, 'cancelCheck');
  add('opening', 'Opening a model', lens.opened, 'cancelOpening');
  add('storage', 'Measuring weights in fewer bits', lens.storage, 'cancelStorage');
  add('fetching', 'Fetching rows', data.hub.fetching, 'cancelFetching');
  add('data-look-up', 'Looking up a data set', data.hub.offer, 'cancelDataLookUp');
  if (isBusy(data.hub.download))
    found.push(downloading('data-download', data.hub.chosen ?? 'a file', data.hub, 'cancelDataDownload'));
  add('rows', 'Reading the data set', data.report, 'cancelData');
  add('tokens', 'Counting tokens', data.counts, 'cancelCounting');
  add('answers', 'Answering rows', data.answers.task, 'cancelAnswers');
  add('look-up', 'Looking up a model', sources.offer, 'cancelLookUp');
  if (isBusy(sources.download))
    found.push(downloading('download', sources.plan?.id ?? 'a model', sources, 'cancelDownload'));
  add('lens', 'Decomposition', lens.report, 'cancelLens');
  add('file', 'Writing hidden states', lens.file, 'cancelExport');
  add('model-file', 'Writing the file', modelFile.task, 'cancelModelExport');
  add('run-zip', 'Writing a run', runZip.task, 'cancelRunZip');
  add('causal', 'Causal test', lens.causal, 'cancelCausal');
  add('thought-test', 'Test of the thoughts', thoughtTest.task, 'cancelThoughtTest');
  add('evaluation', 'Evaluation', evaluation.task, 'cancelEvaluation');
  add('stopping', 'Counterfactual stopping', stopping.task, 'cancelStopping');
  add('arena', 'Arena', arena.task, 'cancelArena');
  add('session', 'Reading the question', latents.session, 'cancelLatents');
  add('thought', 'Latent thought', latents.thought, 'cancelLatents');
  add('answer', 'Answer', latents.answer, 'cancelLatents');
  add('explicit', 'Explicit chain of thought', latents.explicit, 'cancelLatents');
  add('generation', 'Text generation', generation.task, 'cancelGeneration');
  if (isBusy(run.task)) {
    const shown = shownRun(run.clock, run.config);
    const phase = shown.phase === null ? null : PHASES[shown.phase];
    found.push({ id: 'run', label: 'Distillation', phase, cancel: 'cancelRun', ...pick(run.task), shown });
  }
  found.sort((a, b) => b.turn - a.turn);
  if (!isBusy(tour.task)) return found;
  const [child] = found;
  return [
    {
      ...(child ?? { phase: null, shown: NOTHING }),
      ...pick(tour.task),
      id: 'tour',
      label: tour.step === null ? 'Guided run' : `Guided run: ${TOUR_TITLES[tour.step]}`,
      isUnheard: tour.task.isUnheard || found.some(({ isUnheard }) => isUnheard),
      cancel: 'cancelTour',
    },
  ];
}

const pick = ({ status, turn, isUnheard }: Task<unknown>) => ({ status, turn, isUnheard });

const nameOf = (progress: Progress | null, label: string) => {
  const name = progress === null ? null : PHASES[progress.phase];
  return name === label ? null : name;
};

/** Tasks that have not responded to a cancellation. */
export const unheardOf = (state: Watched): readonly InHand[] => inHand(state).filter((one) => one.isUnheard);
