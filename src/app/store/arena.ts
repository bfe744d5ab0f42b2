import {
  type Arena,
  type ArenaAxis,
  type ArenaRun,
  type KeptContender,
  readSeeds,
  writeSeeds,
} from '../../contract/arena';
import { MAX_HELD_OUT } from '../../contract/common-settings';
import type { RunConfig } from '../../contract/config';
import type { Methods } from '../../contract/methods/method';
import { type Preset, presetsOf } from '../../contract/presets';
import { type History, noHistory } from './history';
import { idle, type Task } from './task';
import { type WholeRange, whole } from './whole';

/** The arena as it is being edited, and its runs so far. */
export interface ArenaState extends History<ArenaPlanState> {
  /** Ids of the presets that take part. */
  readonly presets: readonly string[];
  /** Contenders besides presets, such as the settings of the Distil place or those of a file. */
  readonly others: Arena['contenders'];
  /** Kept students beside the contenders. */
  readonly kept: readonly KeptContender[];
  /** As typed. */
  readonly seeds: string;
  readonly baseline: string;
  readonly heldOut: number;
  /** The axis of an ablation; `null` for other arenas. */
  readonly axis: ArenaAxis | null;
  readonly runs: readonly ArenaRun[];
  /** The current run, or the kept student that is answering. */
  readonly now: { readonly name: string; readonly seed: number; readonly isKept?: boolean } | null;
  /** What the remaining runs take. */
  readonly cost: ArenaCost | null;
  readonly task: Task<true>;
}

/** The cost of the remaining runs: seconds, `null` if unknown before a run, and for how many runs they were measured. */
export interface ArenaCost {
  readonly runs: number;
  readonly seconds: number | null;
  readonly measured: number;
  /** Why there is no estimate. */
  readonly refused: string | null;
}

/** Held-out problems that are answered after a run. */
export const HELD_OUT_RANGE: WholeRange = [1, MAX_HELD_OUT];

/** What is wrong with a number of them; `null` if nothing is. */
export const heldOutError = (heldOut: number): string | null => whole(heldOut, ...HELD_OUT_RANGE);

/** The part of the state that makes up the plan and its runs. */
export type ArenaPlanState = Pick<
  ArenaState,
  'presets' | 'others' | 'kept' | 'seeds' | 'baseline' | 'heldOut' | 'axis' | 'runs'
>;

export const planState = (state: ArenaPlanState): ArenaPlanState => {
  const { presets, others, kept, seeds, baseline, heldOut, axis, runs } = state;
  return { presets, others, kept, seeds, baseline, heldOut, axis, runs };
};

export const initialArena: ArenaState = {
  presets: [],
  others: [],
  kept: [],
  seeds: '1-10',
  baseline: '',
  heldOut: 200,
  axis: null,
  runs: [],
  ...noHistory,
  now: null,
  cost: null,
  task: idle,
};

/** Observing students during training costs time, and the arena shows only results. */
export const contending = (config: RunConfig, heldOut: number): RunConfig => ({
  ...config,
  seed: 0,
  data: { ...config.data, heldOut },
  observation: { ...config.observation, every: 0 },
});

/** Names of the contenders, in their order. */
export const namesOf = (
  { presets, others }: Pick<ArenaPlanState, 'presets' | 'others'>,
  all: readonly Preset[],
): readonly string[] => [
  ...all.flatMap(({ id }) => (presets.includes(id) ? [id] : [])),
  ...others.map(({ name }) => name),
];

/** The chosen baseline, or the first contender where it is none. */
export function baselineOf(
  plan: Pick<ArenaPlanState, 'presets' | 'others' | 'baseline'>,
  all: readonly Preset[],
): string {
  const names = namesOf(plan, all);
  return names.find((name) => name === plan.baseline) ?? names[0] ?? '';
}

/** The plan that the state describes, with the runs so far. */
export function arenaOf(plan: ArenaPlanState, all: readonly Preset[]): Arena {
  const { presets, others, kept, seeds, heldOut, axis, runs } = plan;
  const contenders = [
    ...all
      .filter(({ id }) => presets.includes(id))
      .map(({ id, config }) => ({ name: id, config: contending(config, heldOut) })),
    ...others.map(({ name, config }) => ({ name, config: contending(config, heldOut) })),
  ];
  return {
    ...{ contenders, seeds: readSeeds(seeds).seeds, baseline: baselineOf(plan, all), runs },
    ...(axis && { axis }),
    ...(kept.length > 0 && { kept }),
  };
}

/** The presets that take part by default: the first of each method, and all of the one that is the subject, but for ablations. */
export const usualPresets = (methods: Methods): string[] =>
  methods.flatMap(({ presets, comparedAs }) =>
    (comparedAs === 'subject' ? presets.filter(({ paper }) => !paper) : presets.slice(0, 1)).map(
      ({ id }) => id,
    ),
  );

/** The contender that the others are compared with by default: the first preset of a method meant for it. */
export const usualBaseline = (methods: Methods): string =>
  methods.find(({ comparedAs }) => comparedAs === 'baseline')?.presets[0]?.id ?? '';

/** The state for an arena file: unchanged presets by id, all other contenders beside them. */
export function arenaStateOf(arena: Arena, methods: Methods): ArenaPlanState {
  const heldOut = arena.contenders[0]?.config.data.heldOut ?? initialArena.heldOut;
  const all = presetsOf(methods);
  const isPreset = ({ name, config }: Arena['contenders'][number]) => {
    const preset = all.find(({ id }) => id === name);
    return (
      preset !== undefined &&
      JSON.stringify(contending(preset.config, heldOut)) === JSON.stringify(contending(config, heldOut))
    );
  };
  return {
    presets: arena.contenders.filter(isPreset).map(({ name }) => name),
    others: arena.contenders.filter((one) => !isPreset(one)),
    kept: arena.kept ?? [],
    seeds: writeSeeds(arena.seeds),
    ...{ baseline: arena.baseline, heldOut, axis: arena.axis ?? null, runs: arena.runs },
  };
}
