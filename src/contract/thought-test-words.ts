import { percent } from './interval';
import type { CausalDirections } from './lens';
import { ALPHA, MARGIN } from './paired';
import { mean } from './statistics';
import {
  type IntermediateResults,
  type Replacement,
  type ResultsFound,
  TELLING,
  type ThoughtComparison,
  type ThoughtCondition,
  type ThoughtTestReport,
  type ThoughtVerdict,
} from './thought-test';

/** The words in which page, files and command line say what the test of a student's thoughts found. */

export const REPLACEMENT_WORDS: Readonly<Record<Replacement, string>> = {
  zero: 'zeros',
  mean: 'their mean over the problems',
  noise: 'noise of the same norm',
  permuted: 'the same thoughts in another order',
  'same-answer': 'the thoughts of a problem with the same answer',
  'other-answer': 'the thoughts of a problem with another answer',
  pause: 'a repeated pause token',
};

export function conditionWords(condition: ThoughtCondition): string {
  switch (condition.kind) {
    case 'straight':
      return 'as they are';
    case 'count':
      return condition.thoughts === 0
        ? 'no thoughts'
        : `${condition.thoughts} ${condition.thoughts === 1 ? 'thought' : 'thoughts'}`;
    case 'replaced':
      return REPLACEMENT_WORDS[condition.by];
    case 'one':
      return `thought ${condition.thought} alone replaced by its mean`;
    case 'directions':
      return condition.of === 'equal-energy'
        ? `random directions with the energy of ${condition.rank} leading`
        : `${condition.rank} ${condition.of} ${condition.rank === 1 ? 'direction' : 'directions'}`;
  }
}

export const FINDING_WORDS = {
  loss: 'answers are lost',
  gain: 'answers are gained',
  none: `no loss of ${100 * MARGIN} % or more`,
  undecided: 'undecided',
} as const;

const listed = (words: readonly (string | number)[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;

/** What the report establishes, sentence by sentence, and no more. */
export function verdictSentences(
  {
    straight,
    thoughts,
    points,
    fixed = false,
    lengths,
  }: Pick<ThoughtTestReport, 'straight' | 'thoughts' | 'points'> &
    Partial<Pick<ThoughtTestReport, 'fixed' | 'lengths'>>,
  comparisons: readonly ThoughtComparison[],
  verdict: ThoughtVerdict,
): string[] {
  const { correct, total, share } = straight.accuracy;
  const own = lengths
    ? `its thoughts, ${mean(lengths).toFixed(2)} on average,`
    : `its ${thoughts} ${thoughts === 1 ? 'thought' : 'thoughts'}`;
  const start = `With ${own} the student gets ${percent(share)} right (${correct} of ${total}).`;
  if (correct === 0)
    return [`${start} With nothing right to begin with, nothing can be taken away: the test says nothing.`];
  const shareOf = (wanted: (condition: ThoughtCondition) => boolean): string => {
    const found = points.find(({ condition }) => wanted(condition));
    return found ? percent(found.accuracy.share) : 'not measured';
  };
  return [
    start,
    fixed ? fixedSentence(verdict) : contentSentence(verdict),
    withoutSentence(
      verdict,
      shareOf((one) => one.kind === 'count' && one.thoughts === 0),
    ),
    orderSentence(verdict),
    transplantSentence(verdict),
    singleSentence(verdict, thoughts),
    directionsSentence(comparisons, shareOf),
  ].filter((sentence) => sentence !== '');
}

function contentSentence({ content, byReplacement }: ThoughtVerdict): string {
  const by = (finding: string) =>
    TELLING.filter((one) => byReplacement[one] === finding).map((one) => REPLACEMENT_WORDS[one]);
  const margin = percent(MARGIN);
  switch (content) {
    case 'used':
      return `What the thoughts hold is used: with ${listed(by('loss'))} in their places, answers are lost.`;
    case 'unused':
      return `What the thoughts hold is not used: with ${listed([...by('none'), ...by('gain')])} in their places, a loss of ${margin} of the problems is excluded.`;
    case 'partly':
      return `What the thoughts hold is used in part: answers are lost with ${listed(by('loss'))}, and a loss of ${margin} is excluded with ${listed(by('none'))}.`;
    case 'undecided': {
      const lost = by('loss');
      const open = by('undecided');
      const excluded = [...by('none'), ...by('gain')];
      const parts = [
        lost.length > 0 ? `answers are lost with ${listed(lost)}` : '',
        excluded.length > 0 ? `with ${listed(excluded)} a loss of ${margin} of the problems is excluded` : '',
        open.length > 0 ? `with ${listed(open)} neither a loss nor its absence was established` : '',
      ].filter((part) => part !== '');
      return `Whether what the thoughts hold is used remains undecided: ${parts.join('; ')}. More problems may decide it.`;
    }
  }
}

/** Of fixed tokens nothing can be about the problem: what is left to ask is whether it matters which they are. */
function fixedSentence({ content, byReplacement }: ThoughtVerdict): string {
  const by = (...findings: string[]) =>
    listed(
      TELLING.filter((one) => findings.includes(byReplacement[one] ?? '')).map(
        (one) => REPLACEMENT_WORDS[one],
      ),
    );
  const start = 'Nothing of a problem is in what is fed, which is the same for every problem; ';
  const excluded = `a loss of ${percent(MARGIN)} of the problems is excluded`;
  switch (content) {
    case 'used':
      return `${start}but it must be these tokens: with ${by('loss')} in their places, answers are lost.`;
    case 'unused':
      return `${start}and which tokens they are does not matter: with ${by('none', 'gain')} in their places, ${excluded}.`;
    case 'partly':
      return `${start}answers are lost with ${by('loss')} in their places, and with ${by('none', 'gain')} ${excluded}.`;
    case 'undecided':
      return `${start}whether it must be these tokens remains undecided. More problems may decide it.`;
  }
}

function withoutSentence({ without, byReplacement }: ThoughtVerdict, share: string): string {
  if (without === 'loss' && byReplacement.pause === 'none')
    return `Without any thought it gets ${share} right, and with pauses in their places it loses nothing: what counts is the positions, not what they hold.`;
  if (without === 'loss') return `Without any thought it gets ${share} right: it needs them.`;
  if (without === 'none') return `Without any thought it does no worse (${share}): it does not need them.`;
  if (without === 'gain') return `Without any thought it does better (${share}).`;
  return without === undefined
    ? ''
    : `Without any thought it gets ${share} right; no difference is established.`;
}

function orderSentence({ byReplacement: { permuted } }: ThoughtVerdict): string {
  if (permuted === 'loss') return 'Their order matters: in another order answers are lost.';
  if (permuted === 'none') return 'Their order does not matter.';
  return '';
}

function transplantSentence({ byReplacement }: ThoughtVerdict): string {
  const [same, other] = [byReplacement['same-answer'], byReplacement['other-answer']];
  if (other === 'loss' && same === 'none')
    return 'The thoughts of a problem with the same answer do as well where those of one with another answer do not: what is used of them is the answer.';
  if (other === 'loss' && same === 'loss')
    return 'Even the thoughts of another problem with the same answer cost answers: what is used of them belongs to the problem.';
  return '';
}

function singleSentence({ matter, spare }: ThoughtVerdict, K: number): string {
  if (K < 2) return '';
  const name = (thoughts: readonly number[]) =>
    `${thoughts.length === 1 ? 'thought' : 'thoughts'} ${listed(thoughts)}`;
  if (matter.length === 0 && spare.length === K) return 'No single thought matters on its own.';
  const parts = [
    matter.length > 0 ? `replacing ${name(matter)} alone costs answers` : '',
    spare.length > 0 ? `replacing ${name(spare)} alone costs none` : '',
  ].filter(Boolean);
  const [first = '', ...others] = parts;
  return first === '' ? '' : `${first[0]?.toUpperCase()}${[first, ...others].join('; ').slice(1)}.`;
}

/** The smallest number of leading directions for which a loss is excluded, and what random ones of equal energy do there. */
function directionsSentence(
  comparisons: readonly ThoughtComparison[],
  shareOf: (wanted: (condition: ThoughtCondition) => boolean) => string,
): string {
  const at = (of: string) =>
    comparisons.flatMap(({ condition, finding }) =>
      condition.kind === 'directions' && condition.of === of ? [{ rank: condition.rank, finding }] : [],
    );
  const leading = at('leading').sort((a, b) => a.rank - b.rank);
  if (leading.length === 0) return '';
  const enough = leading.find(({ finding }) => finding === 'none' || finding === 'gain');
  if (!enough) {
    const { rank, finding } = leading.at(-1) as (typeof leading)[number];
    const at = (kind: CausalDirections) =>
      shareOf((one) => one.kind === 'directions' && one.of === kind && one.rank === rank);
    const kept = `With ${rank} of their leading directions kept`;
    return `${kept}, ${finding === 'loss' ? 'answers are lost' : 'a loss is not excluded'}: ${at('leading')} right, against ${at('equal-energy')} with random directions that keep as much of their energy.`;
  }
  const { rank } = enough;
  const same = at('equal-energy').find((one) => one.rank === rank)?.finding;
  const share = shareOf((one) => one.kind === 'directions' && one.of === 'equal-energy' && one.rank === rank);
  const against =
    same === 'loss'
      ? `where random directions that keep as much of their energy do not (${share} right)`
      : `and random directions that keep as much of their energy get ${share} right`;
  return `${rank} leading ${rank === 1 ? 'direction' : 'directions'} of the thoughts ${rank === 1 ? 'is' : 'are'} enough, ${against}.`;
}

export const METHOD_NOTE = `Every condition is compared with the straight run problem by problem. A loss or a gain is found where McNemar’s exact test, corrected by Holm for all comparisons, gives p < ${ALPHA}; no loss is established where Tango’s 95 % interval of the paired difference excludes a loss of ${100 * MARGIN} % of the problems; all else is undecided. The bootstrap interval of the difference, over problems, stands beside it: it has no width where no problem changes, so that nothing is judged by it. The divergence is KL(straight ‖ condition) of the answer’s first token, with a bootstrap interval over problems.`;

/** Columns of the table of conditions. */
export const CONDITION_COLUMNS = [
  'Thoughts',
  'Problems',
  'Right',
  'Difference',
  '95 % interval',
  'p (Holm)',
  'Finding',
  '95 % bootstrap',
  'Answered differently',
  'Divergence (nats)',
] as const;

/** Columns of the table of results found in the thoughts. */
export const RESULT_COLUMNS = [
  'Steps',
  'Problems',
  'Results',
  'Found',
  'Found in another problem’s thoughts',
  'Results of several tokens',
  'Found by decoding on',
  'Found so in another’s',
] as const;

/** A row of that table, a share as `share` writes it. */
export function resultRow<T>(
  { steps, problems, long, ...short }: IntermediateResults['bySteps'][number],
  share: (part: number, whole: number) => T,
): (number | T)[] {
  const of = ({ results, found, foundElsewhere }: ResultsFound) => [
    results,
    share(found, results),
    share(foundElsewhere, results),
  ];
  return [steps, problems, ...of(short), ...of(long)];
}
