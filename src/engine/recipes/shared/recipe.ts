import type { RunConfig } from '../../../contract/config';
import { LATENT_DEFAULTS } from '../../../contract/methods/shared';
import type { Pace } from '../../analysis/pace';
import type { HostTensor } from '../../base/dtype';
import type { TokenLayout } from '../../base/tokens';
import type { ProblemCodec, RationaleForm, TokenProblem } from '../../data/tokens';
import type { AdapterSpec } from '../../nn/attachments';
import type { DecoderConfig } from '../../nn/config';
import type { LatentFilter } from '../../nn/latent';
import type { StateLoss } from '../../train/losses/state-loss';
import type { ModuleParameter } from '../../train/parameters';
import type { Tape } from '../../train/tape/tape';
import { STUDENT } from './passes';
import type { TeacherStates } from './teacher';

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

/** Batch inputs of a method's own, besides the tokens that every batch has. */
export interface OwnInputs {
  /** Lengths that the recording is made for, by names of its choice. */
  readonly sizes?: Readonly<Record<string, number>>;
  /** Those of a batch, by input name. */
  feeds(problems: readonly TokenProblem[]): Record<string, HostTensor>;
}

/** What a recording starts from. */
export interface Recording<C> {
  readonly config: C;
  readonly layout: TokenLayout;
  readonly losses: Targets['losses'];
  /** Of the recipe's own inputs. */
  readonly sizes?: OwnInputs['sizes'];
}

/** A method: what it trains, what it takes from the teacher, and its forward pass with its losses, recorded on a tape. */
export interface Recipe<C extends RunConfig = RunConfig> {
  /** Refuses configurations that cannot be run on the model, before anything is computed. @throws ConfigError */
  check?(config: C, model: DecoderConfig): void;
  /** Modules in the layers, by the names that segments use. */
  adapters(config: C): Readonly<Record<string, AdapterSpec>>;
  /** Trained modules outside the layers. */
  modules?(config: C, model: DecoderConfig): readonly ModuleParameter[];
  /** What it reads of its samples' rationales; default whole steps. */
  rationale?(config: C): RationaleForm;
  /** Batch inputs of its own. */
  inputs?(config: C, training: TrainingTokens): OwnInputs;
  /** K: number of latent steps before the student answers. */
  latentSteps(config: C): number;
  /** Whether `targets` needs the teacher's hidden states. A loss of weight 0 needs none. */
  usesTeacher(config: C): boolean;
  /** From the teacher's hidden states on every training sample; none without `usesTeacher`. Yields by `pace`. */
  targets(
    config: C,
    model: DecoderConfig,
    teacher: readonly TeacherStates[],
    pace: Pace,
  ): Promise<Targets> | Targets;
  record(tape: Tape, recording: Recording<C>): void;
}

/** The LoRA of the run's settings, by its name in segments. */
export const studentLora = ({ lora }: RunConfig): Readonly<Record<string, AdapterSpec>> => ({
  [STUDENT]: { kind: 'lora', ...lora },
});

/** How latents are fed back: as the run says, or by default for a method without latents and for the untrained base. */
export const filterOf = (config?: RunConfig): LatentFilter => {
  const { filter, temperature } = config && 'latent' in config ? config.latent : LATENT_DEFAULTS;
  return { kind: filter, temperature };
};
