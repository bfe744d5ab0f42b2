import type { LatentChoice } from '../../../contract/calls';
import type { RunConfig } from '../../../contract/config';
import type { DrawnGroup } from '../../../contract/events';
import { LATENT_DEFAULTS } from '../../../contract/methods/shared';
import type { Pace } from '../../analysis/pace';
import type { HostTensor } from '../../base/dtype';
import type { TokenLayout } from '../../base/tokens';
import type { ProblemCodec, RationaleForm, TokenProblem } from '../../data/tokens';
import type { Reasoning } from '../../decode/reasoning';
import type { AdapterSpec } from '../../nn/attachments';
import type { DecoderConfig } from '../../nn/config';
import type { Feedback } from '../../nn/feedback';
import type { ModuleParameter } from '../../nn/parameters';
import type { StateLoss } from '../../train/losses/state-loss';
import type { Tape } from '../../train/tape/tape';
import { STUDENT } from './passes';
import type { TeacherReader } from './teacher';

/** What a recipe derives from the teacher before training: losses with their targets, and the ranks they use. */
export interface Targets {
  /** By the names that the recipe gives them. */
  readonly losses: Readonly<Record<string, StateLoss | undefined>>;
  /** Ranks reduced because the model or the samples span fewer directions: the rank used, by path of the setting. */
  readonly ranksUsed?: Readonly<Record<string, number>>;
}

/** What inputs of a method's own are made from. */
export interface TrainingTokens {
  /** Every training sample. */
  readonly problems: readonly TokenProblem[];
  readonly layout: TokenLayout;
  readonly codec: Pick<ProblemCodec, 'prompt' | 'padId' | 'endId'>;
}

/** Which batch it is. */
export interface BatchPlace {
  /** Indices of its problems among the training samples. */
  readonly samples: readonly number[];
  /** The training step, from 0: for what is drawn. */
  readonly step: number;
}

/** Batch inputs of a method's own, besides the tokens that every batch has. */
export interface OwnInputs {
  /** Lengths that the recording is made for, by names of its choice. */
  readonly sizes?: Readonly<Record<string, number>>;
  /** Names of those that are weights of a mean over all batches of a step, and sum to 1; without it, each batch has means of its own. */
  readonly means?: readonly string[];
  /** Those of a batch by name; each has the batch's rows first. */
  feeds(problems: readonly TokenProblem[], place: BatchPlace): Record<string, HostTensor>;
  /** Those of a batch that is drawn from the student as it is, instead of `feeds`. */
  draw?(
    problems: readonly TokenProblem[],
    place: BatchPlace,
    policy: Policy,
  ): Promise<{ readonly feeds: Record<string, HostTensor>; readonly groups: readonly DrawnGroup[] }>;
}

/** The student as what answers are drawn from. */
export interface Policy {
  /** An answer to each question, drawn at temperature 1 by seed, step and row: latents, and tokens with the end if there was one. */
  complete(
    questions: readonly (readonly number[])[],
    by: { readonly seed: number; readonly step: number; readonly tokens: number },
  ): Promise<readonly { readonly latents: number; readonly text: readonly number[] }[]>;
  /** The outputs of `recordReference` with the values that the student had when the stage began. */
  reference(feeds: Readonly<Record<string, HostTensor>>): Promise<Readonly<Record<string, Float32Array>>>;
  text(ids: readonly number[]): string;
}

/** Where in a run a student reasons, and what its tokenizer's end token is. */
export interface ReasoningPlace {
  readonly stage: number;
  readonly endId: number;
}

/** What a recording starts from. */
export interface Recording<C> {
  readonly config: C;
  readonly layout: TokenLayout;
  readonly losses: Targets['losses'];
  /** Of the recipe's own inputs. */
  readonly sizes?: OwnInputs['sizes'];
  /** Index of the curriculum's stage; 0 without one. */
  readonly stage?: number;
}

/** A method: what it trains, what it takes from the teacher, and its forward pass with its losses, recorded on a tape. */
export interface Recipe<C extends RunConfig = RunConfig> {
  /** Refuses configurations that cannot be run on the model, before anything is computed. @throws ConfigError */
  check?(config: C, model: DecoderConfig): void;
  /** Modules in the layers, by the names that segments use. */
  adapters(config: C): Readonly<Record<string, AdapterSpec>>;
  /** Trained modules outside the layers. @param training where initial values depend on it */
  modules?(config: C, model: DecoderConfig, training?: TrainingTokens): readonly ModuleParameter[];
  /** Whether it trains the model's own weights, all of them; default false. */
  trainsWeights?(config: C): boolean;
  /**
   * What the student is fed between the question and the answer prompt, and the adapters that run.
   * @param place in a curriculum; by default its last stage
   */
  reasoning(config: C, model: DecoderConfig, place?: ReasoningPlace): Reasoning;
  /** Whether `targets` needs the teacher's hidden states. A loss of weight 0 needs none. */
  usesTeacher(config: C): boolean;
  /**
   * Terms that compare hidden states of teacher and student, and so need equal depths and widths. By default, all that the
   * method does with the teacher.
   */
  comparesStates?(config: C): readonly string[];
  /**
   * What `targets` does where the states of all samples cannot be held: how often it reads the teacher, and how many bytes
   * it keeps meanwhile. Without it, one sample's states are needed at a time, and the teacher is read once either way.
   */
  streamed?(
    config: C,
    model: DecoderConfig,
    samples: number,
  ): { readonly readings: number; readonly bytes: number };
  /** From the teacher's hidden states on every training sample; no samples without `usesTeacher`. Yields by `pace`. */
  targets(config: C, model: DecoderConfig, teacher: TeacherReader, pace: Pace): Promise<Targets> | Targets;
  /** What it reads of its samples’ rationales; default whole steps. */
  rationale?(config: C): RationaleForm;
  /** Batch inputs of its own. @param stage index of the curriculum's stage; 0 without one */
  inputs?(config: C, training: TrainingTokens, stage: number): OwnInputs;
  /**
   * What distinguishes the recording of a stage from others: stages of the same one share its programs. By default each
   * stage has its own.
   */
  recordingOf?(config: C, stage: number): string;
  /** Whether the optimiser starts anew before a step, counted from 0, other than the first. */
  startsAnew?(
    config: C,
    at: { readonly step: number; readonly stageBegins: boolean; readonly epochBegins: boolean },
  ): boolean;
  record(tape: Tape, recording: Recording<C>): void;
  /** Records what `Policy.reference` outputs. */
  recordReference?(tape: Tape, recording: Recording<C>): void;
  /** The training samples of a stage, [from, to) of `count`; by default all. */
  samplesOf?(config: C, count: number, stage: number): readonly [from: number, to: number];
  /** How a stage is optimised, if each has a schedule of its own; by default one goes through the whole run. */
  optimised?(config: C, stage: number): StageOptimiser;
}

/** A stage's settings of the optimiser; the others are the run's. */
export interface StageOptimiser {
  /** Peak learning rate. */
  readonly learningRate: number;
  /** Share of the stage's steps. */
  readonly warmup: number;
  readonly weightDecay: number;
}

/** The LoRA of the run's settings, by its name in segments. */
export const studentLora = ({ lora }: RunConfig): Readonly<Record<string, AdapterSpec>> => ({
  [STUDENT]: { kind: 'lora', ...lora },
});

/** How latents are made, by the settings that several methods have. */
export const feedbackBy = ({ filter, temperature }: LatentChoice): Feedback =>
  filter === 'softmax' ? { kind: 'softmax', temperature } : { kind: 'hidden' };

/** K latents by the settings `latent` of a run, with the run's LoRA. */
export const latentReasoning = ({
  latent,
}: {
  readonly latent: LatentChoice & { readonly steps: number };
}): Reasoning => ({
  adapters: [STUDENT],
  stages: [{ kind: 'latents', steps: latent.steps, feedback: feedbackBy(latent) }],
});

/** The answer directly after the question, with the run's LoRA. */
export const directReasoning = (): Reasoning => ({ adapters: [STUDENT], stages: [] });

/** How a model reasons in latents for which no run has said how: the untrained base. */
export const BASE_REASONING: Reasoning = { ...latentReasoning({ latent: LATENT_DEFAULTS }), adapters: [] };
