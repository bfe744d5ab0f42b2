import type { RunConfig } from '../../../contract/config';
import { LATENT_DEFAULTS } from '../../../contract/methods/shared';
import type { Pace } from '../../analysis/pace';
import type { TokenLayout } from '../../base/tokens';
import type { AdapterSpec } from '../../nn/attachments';
import type { DecoderConfig } from '../../nn/config';
import type { LatentFilter } from '../../nn/latent';
import type { StateLoss } from '../../train/losses/state-loss';
import type { ModuleParameter } from '../../train/parameters';
import type { Tape } from '../../train/tape/tape';
import { STUDENT } from './passes';
import type { TeacherStates } from './teacher';

/** What a recipe makes of the teacher before training: losses with their targets, and what they were made with. */
export interface Targets {
  /** By the names the recipe gives them. */
  readonly losses: Readonly<Record<string, StateLoss | undefined>>;
  /** Ranks that the model or the samples do not have room for: by path of the setting, what is used instead. */
  readonly ranksUsed?: Readonly<Record<string, number>>;
}

/** What a recording is made of. */
export interface Recording<C> {
  readonly config: C;
  readonly layout: TokenLayout;
  readonly losses: Targets['losses'];
}

/** A method: what it trains, what it takes of the teacher, and its forward pass with its losses, recorded on a tape. */
export interface Recipe<C extends RunConfig = RunConfig> {
  /** Refuses what cannot be run on the model, before anything is computed. @throws ConfigError */
  check?(config: C, model: DecoderConfig): void;
  /** Modules in the layers, by the names that segments give. */
  adapters(config: C): Readonly<Record<string, AdapterSpec>>;
  /** Trained modules beside the layers. */
  modules?(config: C, model: DecoderConfig): readonly ModuleParameter[];
  /** K: latent steps of the student when it answers. */
  latentSteps(config: C): number;
  /** Whether `targets` needs the teacher's states. A loss of weight 0 needs none. */
  usesTeacher(config: C): boolean;
  /** From the teacher's states on every training sample; none without `usesTeacher`. Gives way by `pace`. */
  targets(
    config: C,
    model: DecoderConfig,
    teacher: readonly TeacherStates[],
    pace: Pace,
  ): Promise<Targets> | Targets;
  record(tape: Tape, recording: Recording<C>): void;
}

/** LoRA of the run's settings, as segments name it. */
export const studentLora = ({ lora }: RunConfig): Readonly<Record<string, AdapterSpec>> => ({
  [STUDENT]: { kind: 'lora', ...lora },
});

/** How latents are fed back: as the run says; for a method without latents and for the untrained base as by default. */
export const filterOf = (config?: RunConfig): LatentFilter => {
  const { filter, temperature } = config && 'latent' in config ? config.latent : LATENT_DEFAULTS;
  return { kind: filter, temperature };
};
