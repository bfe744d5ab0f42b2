import type { GenerateReport, GenerateSettings } from '../../contract/generate';
import type { Context } from './context';
import { type EngineActions, noteLoss } from './engine-actions';
import {
  changedGeneration,
  type GenerationDraft,
  type GenerationState,
  generationErrors,
  generationRequestOf,
  heard,
  initialGenerationDraft,
  type LiveGeneration,
  liveOf,
  steppedGeneration,
} from './generation';
import { generationLink } from './generation-link';

export interface GenerationActions {
  changeGeneration(change: Partial<GenerationDraft>): void;
  changeGenerationSetting(name: keyof GenerateSettings, value: number): void;
  /** Take back the last change of the settings, and make it again; the prompt is left as it is. */
  undoGeneration(): void;
  redoGeneration(): void;
  /** Continues the prompt. Tokens are shown as they arrive, and stay if it is stopped. */
  generate(): Promise<boolean>;
  cancelGeneration(): void;
}

/**
 * Milliseconds between two updates of the page while text arrives: more could be neither read nor drawn
 * smoothly.
 */
const PACE = 60;

export function generationActions(ctx: Context, engine: EngineActions): GenerationActions {
  const now = () => ctx.get().generation;
  const set = (change: Partial<ReturnType<typeof now>>) => ctx.set({ generation: { ...now(), ...change } });
  const task = ctx.task<GenerateReport>({ get: () => now().task, set: (next) => set({ task: next }) });
  const edited = (generation: GenerationState) =>
    ctx.set({
      generation,
      link: { ...ctx.get().link, generation: generationLink(generation.draft, initialGenerationDraft) },
    });
  /** An opened checkpoint does not need the pair. */
  const ready = async (): Promise<boolean> => {
    if (generationErrors(now().draft).size > 0) return false;
    return now().draft.subject === 'opened' ? engine.deviceReady() : engine.pairReady();
  };

  return {
    changeGeneration(change) {
      const isTyped = Object.keys(change).join() === 'stops';
      edited(changedGeneration(now(), change, isTyped ? 'stops' : null));
    },
    changeGenerationSetting: (name, value) =>
      edited(changedGeneration(now(), { settings: { ...now().draft.settings, [name]: value } }, name)),
    undoGeneration: () => edited(steppedGeneration(now(), 'undo')),
    redoGeneration: () => edited(steppedGeneration(now(), 'redo')),
    async generate() {
      const outcome = await task.start(async ({ signal, report }) => {
        const request = generationRequestOf(now().draft);
        let live: LiveGeneration = liveOf(request);
        let timer: ReturnType<typeof setTimeout> | undefined;
        const show = () => {
          clearTimeout(timer);
          timer = undefined;
          set({ live });
        };
        show();
        try {
          const whole = await ctx.engine().generate(request, {
            signal,
            report(event) {
              if (!('kind' in event)) return report(event);
              live = heard(live, event);
              timer ??= setTimeout(show, PACE);
            },
          });
          live = { ...live, report: whole };
          return whole;
        } finally {
          show();
        }
      }, ready);
      if (outcome.status === 'failed') noteLoss(ctx, outcome.thrown);
      return outcome.status === 'done';
    },
    cancelGeneration: () => task.cancel(),
  };
}
