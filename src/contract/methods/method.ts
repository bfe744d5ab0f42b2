import type { z } from 'zod';
import { once } from '../once';
import type { AblationData } from './ablations/ablation';
import type { Stage } from './curriculum';
import type { MethodPath, TermSeat } from './paths';

/**
 * What a method is, as data: page, run file, stored series and `npm run lab` are derived from it. A new method is one
 * file here, its recording in `engine/recipes`, and a line in each of the two indexes.
 */
export interface MethodData<Id extends string = string, Settings extends z.ZodRawShape = z.ZodRawShape> {
  readonly id: Id;
  readonly label: string;
  /** What it does, in a sentence. */
  readonly about: string;
  /** Where it is described. */
  readonly source: string;
  /** Settings of its own, besides those that every run has; groups by `group`. Made when they are first asked for. */
  settings(): Settings;
  /** Groups of the common settings that it does not have, and why. */
  readonly without?: Readonly<Record<string, string>>;
  /** The whole loss, in TeX. */
  readonly loss: string;
  /** The sequences of a training step, as they are drawn; the first one is also run once the student is trained. */
  readonly paths: Configured<readonly MethodPath[]>;
  /** In the order of charts and tables. */
  readonly terms: readonly LossTerm[];
  readonly presets: readonly PresetData[];
  /** Those of its paper, which the Arena offers. */
  readonly ablations?: readonly AblationData[];
  /** Of a curriculum: the stages of a run of the configuration, in order; the first one begins at 0. */
  stages?(config: never): readonly Stage[];
  /** Whether comparisons measure other methods against this one: as the baseline without distillation, or as the subject. */
  readonly comparedAs?: 'baseline' | 'subject';
}

export interface LossTerm {
  /** Its name in the recipe's recording and in a step's losses. */
  readonly name: string;
  readonly label: string;
  /** With its weight, in TeX. */
  readonly tex: string;
  /** Unit of the value that is drawn. */
  readonly unit: string;
  readonly about: string;
  /** Where the term is defined. */
  readonly source: string;
  /** Path of the weight that scales it; a weight of 0 leaves the term out. */
  readonly weight: string;
  /** Where it sits on the method's paths. */
  readonly sits: Configured<TermSeat>;
}

/** A named starting point. */
export interface PresetData {
  readonly id: string;
  /** Ids of old links and commands that meant these same values. */
  readonly formerly?: readonly string[];
  /** Without the number of samples, which is added. */
  readonly name: string;
  readonly about: string;
  /** Whether it is named for a table of a paper, such as an ablation or values for its models: compared only if asked for. */
  readonly paper?: boolean;
  /** What differs from the defaults. */
  readonly changes: object;
}

/** The same whatever the settings, or by a run's configuration. */
export type Configured<T> = T | ((config: never) => T);

const configured = <T extends object>(value: Configured<T>, config: object): T =>
  typeof value === 'function' ? value(config as never) : value;

/** The sequences of a configuration's training step. */
export const methodPaths = (method: MethodData, config: object): readonly MethodPath[] =>
  configured(method.paths, config);

/** Where a term sits on them. */
export const seatOf = ({ sits }: Pick<LossTerm, 'sits'>, config: object): TermSeat =>
  configured(sits, config);

/** Every method there is, in the order of menus; the first is the default. */
export type Methods = readonly MethodData[];

/** Keeps the id and the settings as types of their own, and the settings as they were first made. */
export const defineMethod = <const Id extends string, S extends z.ZodRawShape>(
  data: MethodData<Id, S>,
): MethodData<Id, S> => ({ ...data, settings: once(data.settings) });

/** The stages of a run; none of a method without a curriculum. */
export const runStages = (method: MethodData, config: object): readonly Stage[] =>
  method.stages?.(config as never) ?? [];

/** Which stages of its curriculum a run is too short for, in a sentence; empty if all of them begin. */
export function stagesLeftOut(
  method: MethodData,
  config: { readonly optimiser: { readonly steps: number } },
): string {
  const { optimiser } = config;
  const all = runStages(method, { ...config, optimiser: { ...optimiser, steps: Number.MAX_SAFE_INTEGER } });
  const left = all.slice(runStages(method, config).length);
  const [first] = left;
  if (!first) return '';
  const needed = (left.at(-1)?.from ?? 0) + 1;
  const which =
    left.length === 1
      ? `the stage “${first.name}” begins`
      : `${left.length} of ${all.length} stages begin, from “${first.name}” on`;
  return `The run ends after ${optimiser.steps} steps, before ${which}: for the whole curriculum choose ${needed} steps at least, or shorter stages.`;
}
