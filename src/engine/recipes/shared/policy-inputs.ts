import type { RunConfig } from '../../../contract/config';
import type { DrawnGroup } from '../../../contract/events';
import type { HostTensor } from '../../base/dtype';
import { ConfigError } from '../../base/errors';
import { leftPad } from '../../data/batch';
import type { TokenProblem } from '../../data/tokens';
import { decisionFeeds } from './adaptive-sft';
import { floats } from './batches';
import { POLICY_INPUTS, REFERENCE } from './policy-step';
import type { OwnInputs, Policy, TrainingTokens } from './recipe';
import { advantagesOf, judgeCompletion, type RewardSettings, rewardsOf, totalOf } from './rewards';
import { textFeeds } from './text-after';
import { TOKEN_INPUTS } from './token-inputs';
import { latentMasks } from './unequal-latents';

/** Completions of a step of GRPO, drawn from the policy as it is: groups of answers to each question, with their rewards. */

interface Settings extends Pick<RunConfig, 'seed'> {
  readonly latents: { readonly min: number; readonly max: number };
  readonly weights: { readonly kl: number };
  readonly reinforcement: RewardSettings & { readonly group: number; readonly tokens: number };
}

/** A completion of a question: latents, what was written after END, and how it compares. */
interface Row {
  readonly question: readonly number[];
  readonly latents: number;
  readonly text: readonly number[];
  readonly advantage: number;
}

/** START and END count as reasoning. */
const AROUND = 2;

export function policyInputs(config: Settings, { layout, codec }: TrainingTokens): OwnInputs {
  const { group: G, tokens } = config.reinforcement;
  // A batch is never larger than the samples are many.
  if (layout.batch % G !== 0)
    throw new ConfigError(
      `batches of ${layout.batch}, as many as there are samples, in groups of ${G}`,
      'Choose more samples, or a smaller group that divides their number.',
    );
  const { min, max } = config.latents;
  const sizes = { latents: max, text: tokens };
  // Below the minimum and at the maximum nothing is drawn: the policy has no part in it.
  const isDrawn = (t: number): boolean => t >= min && t < max;
  /** The inputs of completions, without what the reference says of them. */
  const feedsOf = (rows: readonly Row[]): Record<string, HostTensor> => {
    const { question: S } = layout;
    const { ids, keyMask } = leftPad(
      rows.map(({ question }) => question),
      S,
      codec.padId,
    );
    const actions = ({ latents, text }: Row): number =>
      text.length + Array.from({ length: latents + 1 }, (_, t) => t).filter(isDrawn).length;
    const each = (row: Row): number => 1 / (actions(row) * rows.length);
    return {
      [TOKEN_INPUTS.questionIds]: ids,
      [TOKEN_INPUTS.questionMask]: keyMask,
      ...textFeeds(rows, sizes.text, codec.padId, (row) => S + 1 + row.latents, each),
      ...decisionFeeds(rows, sizes.latents, each, isDrawn),
      ...latentMasks(
        rows.map(({ latents }) => latents),
        sizes.latents,
      ),
      [POLICY_INPUTS.advantages]: floats(rows, 1, ({ advantage }) => advantage),
    };
  };
  return {
    sizes,
    feeds: () => ({}),
    async draw(problems, { step, samples }, policy) {
      const asked = problems.slice(0, Math.floor(problems.length / G));
      const rows = asked.flatMap((problem) => new Array<TokenProblem>(G).fill(problem));
      const drawn = await policy.complete(
        rows.map(({ question }) => question),
        { seed: config.seed, step, tokens },
      );
      const groups = asked.map((problem, q): DrawnGroup => {
        const own = drawn.slice(q * G, (q + 1) * G);
        return groupOf(problem, own, samples[q] as number, { config, policy, codec });
      });
      const advantages = groups.flatMap(({ completions }) => completions.map((one) => one.advantage));
      const feeds = feedsOf(
        rows.map(({ question }, i) => {
          const { latents, text } = drawn[i] as (typeof drawn)[number];
          return { question, latents, text, advantage: advantages[i] as number };
        }),
      );
      if (config.weights.kl > 0) {
        const reference = await policy.reference(feeds);
        const columns = (name: string, n: number): HostTensor => ({
          dtype: 'f32',
          shape: [rows.length, n],
          data: Float32Array.from(reference[name] as Float32Array),
        });
        feeds[POLICY_INPUTS.referenceDecisions] = columns(REFERENCE.decisions, sizes.latents + 1);
        feeds[POLICY_INPUTS.referenceText] = columns(REFERENCE.text, sizes.text);
      }
      return { feeds, groups };
    },
  };
}

function groupOf(
  problem: TokenProblem,
  drawn: Awaited<ReturnType<Policy['complete']>>,
  sample: number,
  {
    config,
    policy,
    codec,
  }: { readonly config: Settings; readonly policy: Policy; readonly codec: TrainingTokens['codec'] },
): DrawnGroup {
  const written = (ids: readonly number[]): string => policy.text(ids.filter((id) => id !== codec.endId));
  const [answer, prompt] = [written(problem.answer), policy.text(codec.prompt)] as const;
  const judged = drawn.map(({ latents, text }) => ({
    ...judgeCompletion(written(text), prompt, answer),
    length: latents + AROUND,
  }));
  const rewards = rewardsOf(judged, config.reinforcement);
  const advantages = advantagesOf(rewards.map(totalOf));
  return {
    sample,
    completions: judged.map(({ formatted, correct, length }, i) => ({
      ...{ formatted, correct, length, text: written(drawn[i]?.text ?? []) },
      reward: rewards[i] as (typeof rewards)[number],
      advantage: advantages[i] as number,
    })),
  };
}
