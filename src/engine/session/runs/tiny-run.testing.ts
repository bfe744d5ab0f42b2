import type { Workbench } from '../../../contract/calls';
import { type ConfigOf, parseRunConfig, type RunConfig, withMethod } from '../../../contract/config';
import type { RunEvent, StepEvent } from '../../../contract/events';
import { FIGURE_6, type LensRequest } from '../../../contract/lens';

/** Fields that replace those of the tiny run; those that are not objects need `as never`. */
type Changes = { [K in keyof ConfigOf<'lori'>]?: Partial<ConfigOf<'lori'>[K]> };

/** A run on the tiny pair that takes about a second. */
export const tinyRun = (changes: Changes = {}): ConfigOf<'lori'> => {
  const merge = (base: object, over: object): object =>
    Object.fromEntries(
      [...new Set([...Object.keys(base), ...Object.keys(over)])].map((key) => {
        const [a, b] = [(base as Record<string, unknown>)[key], (over as Record<string, unknown>)[key]];
        const nested = typeof a === 'object' && a !== null && !Array.isArray(a) && typeof b === 'object';
        return [key, nested ? merge(a, b as object) : b === undefined ? a : b];
      }),
    );
  const small = {
    data: { samples: 6, validation: 3, heldOut: 4 },
    latent: { steps: 2 },
    lora: { rank: 2 },
    factors: { layerRank: 2, hiddenRank: 4, anchor: { sampleRank: 4, layerRank: 2, hiddenRank: 8 } },
    weights: { anchor: 0.01 },
    optimiser: { steps: 5, batch: 2, learningRate: 1e-2 },
    evaluation: { every: 2 },
  };
  return parseRunConfig({ ...merge(small, changes), method: 'lori' });
};

/** The tiny run with another method, keeping the settings they share. */
export function tinyRunBy(method: string, changes: Changes = {}): RunConfig {
  const { config } = withMethod(tinyRun(changes), method);
  return parseRunConfig({ ...config, ...STAGED[method] });
}

/** Curricula that reach more than one stage within five steps. */
const STAGED: Readonly<Record<string, object>> = {
  coconut: { curriculum: { stages: 1, stageSteps: 2, latentsPerStep: 1 } },
  icot: { removal: { perStage: 4, stageSteps: 2, allBeyond: 8 } },
  grpo: { reinforcement: { supervisedSteps: 2, group: 2, tokens: 3 }, latents: { bias: 1, max: 2 } },
};

/** Figure 6 for a number of problems. */
export const figure6 = (samples: number, seed: number): LensRequest => ({
  ...FIGURE_6,
  source: { kind: 'problems', seed, samples },
});

export interface Watched {
  readonly events: RunEvent[];
  readonly steps: () => StepEvent[];
  readonly report: (event: RunEvent) => void;
}
export const watch = (onEvent?: (event: RunEvent) => void): Watched => {
  const events: RunEvent[] = [];
  return {
    events,
    steps: () => events.filter((e) => e.kind === 'step'),
    report: (event) => {
      events.push(event);
      onEvent?.(event);
    },
  };
};

/** The loss of each step of a run. */
export async function losses(workbench: Workbench, config: RunConfig): Promise<number[]> {
  const watched = watch();
  await workbench.distil(config, { report: watched.report });
  return watched.steps().map((s) => s.losses.total);
}
