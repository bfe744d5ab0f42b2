import type { LatentChoice } from '../../../contract/calls';
import type { RunConfig } from '../../../contract/config';
import { LATENT_DEFAULTS } from '../../../contract/methods/shared';
import type { Pace } from '../../analysis/pace';
import type { TokenLayout } from '../../base/tokens';
import type { Reasoning } from '../../decode/reasoning';
import type { AdapterSpec } from '../../nn/attachments';
import type { DecoderConfig } from '../../nn/config';
import type { Feedback } from '../../nn/feedback';
import type { ModuleParameter } from '../../nn/parameters';
import type { StateLoss } from '../../train/losses/state-loss';
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

/** What a recording starts from. */
export interface Recording<C> {
  readonly config: C;
  readonly layout: TokenLayout;
  readonly losses: Targets['losses'];
}

/** A method: what it trains, what it takes from the teacher, and its forward pass with its losses, recorded on a tape. */
export interface Recipe<C extends RunConfig = RunConfig> {
  /** Refuses configurations that cannot be run on the model, before anything is computed. @throws ConfigError */
  check?(config: C, model: DecoderConfig): void;
  /** Modules in the layers, by the names that segments use. */
  adapters(config: C): Readonly<Record<string, AdapterSpec>>;
  /** Trained modules outside the layers. */
  modules?(config: C, model: DecoderConfig): readonly ModuleParameter[];
  /** What the student is fed between the question and the answer prompt, and the adapters that run. */
  reasoning(config: C, model: DecoderConfig): Reasoning;
  /** Whether `targets` needs the teacher's hidden states. A loss of weight 0 needs none. */
  usesTeacher(config: C): boolean;
  /**
   * Terms that compare hidden states of teacher and student, and so need equal depths and widths. By default, all that the
   * method does with the teacher.
   */
  comparesStates?(config: C): readonly string[];
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
