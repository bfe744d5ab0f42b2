import { writeFile } from 'node:fs/promises';
import { RULE_IDS } from '../contract/answer-rules';
import { evaluateOn, sameRequest } from '../contract/evaluate-on';
import {
  accuracyBySteps,
  compareEvaluations,
  EVALUATION_MODES,
  type Evaluation,
  type EvaluationMode,
  type EvaluationRequest,
  evaluationFile,
  evaluationKey,
  evaluationRows,
  modeWords,
  summarise,
} from '../contract/evaluation';
import { holm } from '../contract/paired';
import { csv } from '../text/csv';
import { markdownRows } from '../text/markdown';
import type { Command, CommandInput } from './command';
import { accuracyText, type EvaluationArguments, whole, wholes } from './options';
import { problemSourceOf } from './source';
import { askedSubjects } from './who';

/** Milliseconds between two writes of the file while answers arrive. */
const SAVE_EVERY = 2000;

/** Whether `eval` should evaluate single problems, rather than presets over seeds. */
export const asksForItems = (given: EvaluationArguments): boolean =>
  [given.latents, given.modes, given.csv, given.open, given.adapter, given.kept].some(
    (one) => one !== undefined,
  ) || [given.subject, given.data].some(({ length }) => length > 0);

/**
 * Subjects answer the same problems, problem by problem: after their thoughts, after a written rationale and
 * at once, or with other numbers of thoughts. Answers are saved as they arrive; with --resume those in the
 * file are not requested again.
 */
export const evaluateItems: Command = async (input) => {
  const { workbench, evaluation: given, say, save, earlier, config } = input;
  const begun = earlierOf(earlier);
  const asked = waysOf(given);
  const common = {
    rule: ruleOf(given.rule),
    problems: whole('problems', given.problems),
    together: whole('together', given.together),
  };
  const done: Evaluation[] = [];
  let saved = performance.now();
  // Evaluations in the file that are not requested now stay there for comparison.
  const outcome = (now: readonly Evaluation[] = done) => {
    const keys = new Set(now.map(evaluationKey));
    return { evaluations: [...begun.filter((one) => !keys.has(evaluationKey(one))), ...now] };
  };
  const source = await problemSourceOf(workbench, given, config.seed, say);
  for await (const { name, subject } of askedSubjects(input, given))
    for (const way of asked) {
      const request: EvaluationRequest = { subject, ...way, source, ...common };
      let saving = Promise.resolve();
      const one = await evaluateOn(workbench, request, sameRequest(begun, request), {
        onAnswers(soFar) {
          if (performance.now() - saved < SAVE_EVERY) return;
          saved = performance.now();
          saving = saving.then(() => save(outcome([...done, soFar])));
        },
      }).catch(refusal);
      await saving;
      if ('refused' in one) {
        // What a subject cannot do is left out, unless it was requested explicitly.
        if (given.modes !== undefined || given.latents !== undefined) throw one.refused;
        say(`${name}: ${one.refused.message}`);
        continue;
      }
      done.push(one);
      for (const note of one.notes) say(`note: ${note}`);
      const { accuracy, latency } = summarise(one.items);
      const times = latency.count > 0 ? `, ${latency.median.toFixed(0)} ms per problem` : '';
      say(`${name}, ${modeWords(one)}: ${accuracyText(accuracy)}${times}`);
      await save(outcome());
    }
  if (given.csv !== undefined) await writeFile(given.csv, csv(evaluationRows(outcome().evaluations)));
  const compared = comparisons(done);
  return {
    ...outcome(),
    bySteps: done.map((one) => ({ of: nameOf(one), accuracies: accuracyBySteps(one.items) })),
    comparisons: compared.filter((one) => one !== null),
    table: [tableOf(done, compared), ...stepsTable(done)].join('\n\n'),
  };
};

/** The requested modes and numbers of thoughts. */
function waysOf({
  modes,
  latents,
}: CommandInput['evaluation']): readonly Pick<EvaluationRequest, 'mode' | 'thoughts'>[] {
  const counts = latents === undefined ? [] : wholes('latents', latents);
  const named = modes?.split(',') ?? (latents === undefined ? EVALUATION_MODES : []);
  const wrong = named.find((mode) => !(EVALUATION_MODES as readonly string[]).includes(mode));
  if (wrong !== undefined)
    throw new Error(`--modes ${JSON.stringify(wrong)}; expected some of ${EVALUATION_MODES.join(',')}`);
  return [
    ...named.map((mode) => ({ mode: mode as EvaluationMode })),
    ...counts.map((thoughts) => ({ mode: 'latent' as const, thoughts })),
  ];
}

function ruleOf(text: string): EvaluationRequest['rule'] {
  const found = [...RULE_IDS, 'set' as const].find((rule) => rule === text);
  if (found === undefined)
    throw new Error(`--rule ${JSON.stringify(text)}; expected set or one of ${RULE_IDS.join(', ')}`);
  return found;
}

function earlierOf(earlier: unknown): readonly Evaluation[] {
  if (earlier === undefined) return [];
  const parsed = evaluationFile().safeParse(earlier);
  if (!parsed.success) throw new Error('--resume: the file is not one that eval wrote of single problems');
  return parsed.data.evaluations;
}

function refusal(error: unknown): { readonly refused: Error } {
  if ((error as { code?: unknown }).code !== 'input') throw error;
  return { refused: error as Error };
}

/** Every evaluation against the first on the same problems, with p Holm-corrected for their number; null if none are shared. */
function comparisons(all: readonly Evaluation[]) {
  const [first, ...others] = all;
  const found = others.map((other) => first && compareEvaluations(other.items, first.items));
  const p = holm(found.flatMap((one) => one?.p ?? []));
  let at = 0;
  return found.map((one, i) => {
    if (!one || !first) return null;
    const { differ, ...numbers } = one;
    const of = nameOf(others[i] as Evaluation);
    return { of, from: nameOf(first), ...numbers, p: p[at++] as number, differ: [...differ] };
  });
}

const nameOf = (one: Evaluation): string => `${one.label} (${one.model}), ${modeWords(one)}`;

const HEAD = [
  'who',
  'answers',
  'problems',
  'right, % [95 %]',
  'ms per problem: median, p95',
  'tokens, median',
  'against the first, points [95 %], p after Holm',
];

function tableOf(all: readonly Evaluation[], compared: ReturnType<typeof comparisons>): string {
  const points = (share: number) => (100 * share).toFixed(1);
  const rows = all.map((one, i) => {
    const { accuracy: a, latency, tokens } = summarise(one.items);
    const against = i === 0 ? null : compared[i - 1];
    return [
      `${one.label} (${one.model})`,
      modeWords(one),
      `${one.items.length} of ${one.total}`,
      `${points(a.share)} [${points(a.low)}, ${points(a.high)}]`,
      latency.count === 0 ? '–' : `${latency.median.toFixed(0)}, ${latency.p95.toFixed(0)}`,
      `${tokens}`,
      against
        ? `${points(against.difference)} [${points(against.interval.low)}, ${points(against.interval.high)}], ${against.p.toPrecision(2)}`
        : '–',
    ];
  });
  return markdownRows(HEAD, rows).join('\n');
}

/** The same by number of steps; empty if all problems have the same number. */
function stepsTable(all: readonly Evaluation[]): string[] {
  const found = all.map(({ items }) => new Map(accuracyBySteps(items).map((one) => [one.steps, one])));
  const counts = [...new Set(found.flatMap((one) => [...one.keys()]))].sort((a, b) => a - b);
  if (counts.length < 2) return [];
  const head = ['who', 'answers', ...counts.map((n) => `${n} ${n === 1 ? 'step' : 'steps'}, %`)];
  const rows = all.map((one, i) => [
    `${one.label} (${one.model})`,
    modeWords(one),
    ...counts.map((n) => {
      const accuracy = found[i]?.get(n)?.accuracy;
      return accuracy ? `${(100 * accuracy.share).toFixed(1)} of ${accuracy.total}` : '–';
    }),
  ]);
  return [markdownRows(head, rows).join('\n')];
}
