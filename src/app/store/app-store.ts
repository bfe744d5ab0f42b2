import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Settings } from '../../storage/rows';
import { type ArenaActions, arenaActions } from './arena-actions';
import { type CheckActions, checkActions } from './check-actions';
import { createContext, type Environment } from './context';
import { dataWithoutEngine } from './data';
import { type DataActions, dataActions } from './data-actions';
import { type DeviceActions, deviceActions } from './device-actions';
import { wantedOf } from './device-link';
import { type EngineActions, engineActions } from './engine-actions';
import { type EvaluationActions, evaluationActions } from './evaluation-actions';
import { type FormActions, formActions } from './form-actions';
import { followFormsLink } from './forms';
import { initialGenerationDraft } from './generation';
import { type GenerationActions, generationActions } from './generation-actions';
import { followGenerationLink } from './generation-link';
import { noHistory } from './history';
import { type LatentActions, latentActions } from './latent-actions';
import { withoutEngine } from './lens';
import { type LensActions, lensActions } from './lens-actions';
import { initialDraft } from './lens-draft';
import { followLensLink } from './lens-link';
import { type Link, type PanelName, parseLink } from './link';
import { type ModelFileActions, modelFileActions } from './model-file-actions';
import { type PageCopyActions, pageCopyActions } from './page-copy-actions';
import { type PreviewActions, previewActions } from './preview-actions';
import { type RunActions, runActions } from './run-actions';
import { type RunBundleActions, runBundleActions } from './run-bundle-actions';
import { asOneStep } from './run-draft';
import { addressOf, runPlace } from './run-place';
import { type SavedActions, savedActions } from './saved-actions';
import { type SourceActions, sourceActions } from './source-actions';
import { type AppState, initialState } from './state';
import { type StoppingActions, stoppingActions } from './stopping-actions';
import { type StorageActions, storageActions } from './storage-actions';
import { type StudentActions, studentActions } from './student-actions';
import { failureOf, idle } from './task';
import { type ThoughtTestActions, thoughtTestActions } from './thought-test-actions';
import { type TourActions, tourActions } from './tour-actions';

export interface PageActions {
  goTo(panel: PanelName): void;
  /** Follows a hash that the user entered or navigated back to. */
  followLink(hash: string): void;
  changeSettings(change: Partial<Settings>): void;
  dismiss(notice: number): void;
  dismissLinkProblems(): void;
  /** Reads stored data and, if requested, opens the device and loads the pair. */
  start(load: boolean): Promise<void>;
}

export type Actions = PageActions &
  DeviceActions &
  EngineActions &
  CheckActions &
  ArenaActions &
  ThoughtTestActions &
  EvaluationActions &
  StoppingActions &
  FormActions &
  RunActions &
  SavedActions &
  StudentActions &
  LatentActions &
  LensActions &
  DataActions &
  GenerationActions &
  SourceActions &
  PageCopyActions &
  PreviewActions &
  ModelFileActions &
  RunBundleActions &
  StorageActions &
  TourActions;

/** A link sets one place: what the address of the others holds goes on to stand for what they show. */
const withOthers = (link: Link, { question, lens, data, generation, moment, arena }: Link): Link => ({
  ...link,
  question: link.question ?? question,
  ...(link.panel !== 'lowrank' && { lens }),
  ...(link.panel !== 'data' && { data }),
  ...(link.panel !== 'generate' && { generation }),
  ...(link.panel !== 'latents' && { moment }),
  ...(link.panel !== 'arena' && { arena }),
});

/** Milliseconds within which the store must say whether this is a first visit. */
const FIRST_PLACE = 1_000;

export interface App {
  readonly store: StoreApi<AppState>;
  readonly actions: Actions;
}

/** The page's state and everything that changes it; no DOM, no React. */
export function createApp(environment: Environment): App {
  const store = createStore<AppState>(() => initialState(environment.hash, environment.methods));
  const ctx = createContext(store, environment, () => {
    // Pending calls reject by themselves; whatever was ready is gone with the engine.
    ctx.set({
      device: idle,
      pair: idle,
      studentConfig: null,
      student: null,
      studentRun: null,
      teacher: null,
      cost: idle,
      data: dataWithoutEngine(ctx.get().data),
      lens: withoutEngine(ctx.get().lens),
    });
  });
  const engine = engineActions(ctx);
  const check = checkActions(ctx, engine);
  const thoughtTest = thoughtTestActions(ctx, engine);
  const evaluation = evaluationActions(ctx, engine);
  const stopping = stoppingActions(ctx, engine);
  const forms = formActions(ctx);
  const run = runActions(ctx, engine);
  const saved = savedActions(ctx);
  const students = studentActions(ctx, engine);
  const place = runPlace(ctx, run, students);
  const arena = arenaActions(ctx, run, students);
  const latents = latentActions(ctx, engine, students);
  const lens = lensActions(ctx, engine);
  const data = dataActions(ctx, engine, lens);
  const generation = generationActions(ctx, engine);
  const sources = sourceActions(ctx, lens);
  const pageCopy = pageCopyActions(ctx, sources.refreshLibrary);
  const preview = previewActions(ctx);
  const modelFile = modelFileActions(ctx);
  const bundles = runBundleActions(ctx, engine, saved);
  const storage = storageActions(ctx, engine);
  const tour = tourActions(ctx, engine, lens, run, latents);

  /** Puts the held-out problem or text that the link asks for into the question. */
  const takeQuestion = async (question: string | null) => {
    const { text, id } = ctx.get().latents.question;
    if (question === null || question === id || question === text) return;
    const index = /^held-out-(\d{1,6})$/.exec(question)?.[1];
    if (index === undefined) return latents.typeQuestion(question);
    try {
      if (!(await engine.pairReady())) return;
      const [problem] = await ctx.engine().problems('held-out', Number(index), 1);
      if (!problem) throw new Error('there is no such problem');
      latents.pickProblem(problem);
    } catch (thrown) {
      ctx.set({
        linkProblems: [
          ...ctx.get().linkProblems,
          `the question "${question}" could not be opened: ${failureOf(thrown).message}`,
        ],
      });
    }
  };

  /** Opens the moment that the link asks for, once its question is there. */
  const takeMoment = async ({ panel, moment }: Link) => {
    if (panel === 'latents' && Object.keys(moment).length > 0) await latents.followMoment(moment);
  };

  /** Shows the initial place unless another has been chosen. */
  const firstPlace = (panel: PanelName): boolean => {
    const { isPlaceKnown, link } = ctx.get();
    if (isPlaceKnown) return false;
    ctx.set({ isPlaceKnown: true, link: { ...link, panel } });
    return true;
  };

  /** Sets what a link says. */
  const follow = (hash: string): void => {
    const { link: parsed, problems, notes } = parseLink(hash, ctx.get().methods);
    const link = withOthers(parsed, ctx.get().link);
    for (const note of notes) ctx.notify('info', note);
    const before: Link = addressOf(ctx.get());
    ctx.set({ isPlaceKnown: true, link, linkProblems: problems });
    const isOther = link.preset !== before.preset || link.run.set !== before.run.set;
    if (link.run.kept === null && isOther) place.takeSettings(link);
    // What a link sets is not undone by the form, but by going back.
    ctx.set({ forms: followFormsLink(link.forms, { forms: ctx.get().forms, place: link.panel }) });
    if (link.panel === 'lowrank') ctx.lens({ ...noHistory, ...followLensLink(link.lens, initialDraft()) });
    if (link.panel === 'data') void data.followData(link.data);
    if (link.panel === 'generate')
      ctx.set({
        generation: {
          ...ctx.get().generation,
          ...noHistory,
          draft: followGenerationLink(link.generation, initialGenerationDraft),
        },
      });
    if (link.panel === 'lowrank' && link.lens.source === 'rows') void data.followSet(parsed.data);
    if (link.panel === 'model') {
      sources.askForModel(link.model);
      ctx.set({ wanted: wantedOf(link.device) });
    }
    if (link.panel === 'arena') arena.followArena(link.arena);
    const run = place.takeRun(link);
    void takeQuestion(link.question)
      .then(() => run)
      .then(() => takeMoment(link));
  };

  const page: PageActions = {
    goTo(panel) {
      ctx.set({ isPlaceKnown: true, link: { ...ctx.get().link, panel } });
    },
    followLink: (hash) => asOneStep(ctx, () => follow(hash)),
    changeSettings(change) {
      const settings = { ...ctx.get().settings, ...change };
      ctx.set({ settings });
      if (change.theme) ctx.set({ link: { ...ctx.get().link, theme: null } });
      ctx.storage
        .then((kept) => kept.saveSettings(settings))
        .catch((thrown: unknown) =>
          ctx.notify('warning', `Settings could not be stored: ${failureOf(thrown).message}`),
        );
    },
    dismiss(notice) {
      ctx.set({ notices: ctx.get().notices.filter(({ id }) => id !== notice) });
    },
    dismissLinkProblems: () => ctx.set({ linkProblems: [] }),
    async start(load) {
      // An unresponsive store must not leave the page empty.
      const late = setTimeout(() => firstPlace('tour'), FIRST_PLACE);
      sources.askForModel(ctx.get().link.model);
      // Nothing that is stored is needed for it.
      if (['data', 'lowrank'].includes(ctx.get().link.panel)) void data.openAsked();
      const kept = await ctx.storage;
      if (kept.unavailable !== null) {
        ctx.notify(
          'info',
          `Nothing can be stored in this browser (${kept.unavailable}): settings and runs last until the page is closed. Download the runs that you want to keep.`,
        );
      }
      try {
        const settings = await kept.loadSettings();
        ctx.set({ settings });
        clearTimeout(late);
        if (firstPlace(settings.hasVisited ? 'model' : 'tour') && !settings.hasVisited)
          page.changeSettings({ hasVisited: true });
        await arena.loadArena();
        await saved.refreshSaved();
        saved.offerInterrupted();
        // Before the models, so that a run's curves appear at once; only its student has to wait for them.
        if (ctx.get().link.panel === 'distil') await asOneStep(ctx, () => place.takeRun(ctx.get().link));
        // A link that asks for something means the same to everyone: whatever it omits takes its default.
        if (Object.keys(ctx.get().link.lens).length === 0)
          ctx.lens({ draft: { ...ctx.get().lens.draft, samples: settings.spectraSamples } });
        const { length } = ctx.get().damaged;
        if (length > 0)
          ctx.notify(
            'warning',
            `${length} kept ${length === 1 ? 'run' : 'runs'} could not be read; the Distil panel lists ${length === 1 ? 'it' : 'them'} with the reason.`,
          );
      } catch (thrown) {
        ctx.notify('warning', `Stored settings and runs could not be read: ${failureOf(thrown).message}`);
      }
      clearTimeout(late);
      firstPlace('tour');
      // Not awaited: the pair needs none of what is stored.
      void sources.refreshLibrary();
      if (load) await engine.loadPair();
      const { link } = ctx.get();
      if (link.panel !== 'distil') await place.takeRun(link);
      await takeQuestion(link.question);
      await takeMoment(link);
    },
  };
  return {
    store,
    actions: {
      ...page,
      ...deviceActions(ctx, engine, page.changeSettings),
      ...engine,
      ...check,
      ...arena,
      ...thoughtTest,
      ...evaluation,
      ...stopping,
      ...forms,
      ...run,
      ...saved,
      ...students,
      ...latents,
      ...lens,
      ...data,
      ...generation,
      ...sources,
      ...pageCopy,
      ...preview,
      ...modelFile,
      ...bundles,
      ...storage,
      ...tour,
    },
  };
}
