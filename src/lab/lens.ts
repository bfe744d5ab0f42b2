import { compareCausal, directionsKept } from '../contract/causal';
import type { ModelReport, Progress } from '../contract/events';
import {
  type CausalReport,
  type CausalRequest,
  ENERGY_SHARES,
  type LensCost,
  type LensReport,
  type LensRequest,
  type Selection,
  type SelectionReport,
} from '../contract/lens';
import { spanWords } from '../contract/span';
import { median } from '../contract/statistics';
import { parseLensRequest } from '../engine/session/lens/request';
import type { Command } from './command';
import { accuracyText, whole } from './options';
import { countRows, list, numbers, openRows, sourceOf, spanOf } from './source';
import { oneSubject, openGiven, parseSubject, selectionsOf } from './subjects';

/** The low-rank lens: by default figure 6 of the teacher. */
export const lens: Command = async ({ workbench, config, samples, lens: given, kept, say, onEvent }) => {
  const usual = given.data.length > 0 && (given.open ?? given.adapter) !== undefined ? 'opened' : 'teacher';
  const subjects = (given.subject.length > 0 ? given.subject : [usual]).map((text) =>
    parseSubject(text, given.text.length > 0),
  );
  const source = sourceOf(given, config.seed, samples);
  const span = spanOf(given);
  const request = (selections: readonly Selection[]): LensRequest => ({
    source,
    selections,
    layers: given.layers === undefined ? null : numbers('layers', given.layers),
    ...(span && { span }),
    stack: given.stack as LensRequest['stack'],
    centre: given.centre,
    controls: list(given.controls) as LensRequest['controls'][number][],
    seed: config.seed,
    tucker: given.tucker,
    trajectories: (given.trajectories ?? null) as LensRequest['trajectories'],
    angles: whole('angles', given.angles),
  });
  // Checked now rather than after the run that trains the student.
  parseLensRequest(request(subjects.map(({ kind, sections }) => ({ subject: { kind }, sections }))));
  await openGiven(workbench, given, say);
  if (given.data.length > 0) await openRows(workbench, given, say);
  const selections = await selectionsOf(workbench, subjects, config, { onEvent, kept, say });
  if (given.data.length > 0) await countRows(workbench, (selections[0] as Selection).subject, say);
  sayCost(await workbench.lensCost(request(selections)), say);
  const report = await workbench.lens(request(selections), { report: sayProgress(say) });
  const summary = summaryOf(report);
  const words = spanWords(report.request.span);
  if (words) say(`of each sequence, ${words}`);
  for (const { label, median } of summary)
    say(
      `${label}: ranks for 80, 90, 95, 99 % of the energy ${median.energyRanks.join(', ')}; effective rank ${median.effectiveRank.toFixed(2)}, of ${median.rows} rows (medians)`,
    );
  return { summary, lens: report };
};

/** Says what is about to be done, and roughly how long it will take. */
function sayCost(
  { matrices, largest, bytes, reading, seconds }: LensCost,
  say: (line: string) => void,
): void {
  const time = (s: number | null) =>
    s === null ? 'not known yet' : s < 0.1 ? 'under 0.1 s' : `about ${s.toFixed(s < 10 ? 1 : 0)} s`;
  say(
    `${matrices} matrices, the largest ${largest.join(' × ')}, in ${Math.ceil(bytes / 1e6)} MB; reading ${reading.samples} samples (${reading.tokens} tokens): ${time(seconds.reading)}; decomposing: ${time(seconds.decomposing)}`,
  );
}

/** Milliseconds between two lines of progress. */
const EVERY = 10_000;

/** Reports progress every now and then. */
function sayProgress(say: (line: string) => void): (progress: Progress) => void {
  let told = performance.now();
  return ({ phase, done, total, unit, elapsed, left }) => {
    if (performance.now() - told < EVERY) return;
    told = performance.now();
    const rest = left ?? (done > 0 ? (elapsed * (total - done)) / done : undefined);
    const time = rest === undefined ? '' : `, about ${Math.ceil(rest / 1000)} s left`;
    say(`${phase === 'states' ? 'reading' : 'decomposing'}: ${done} of ${total} ${unit}${time}`);
  };
}

/** Medians over the matrices of a selection, and of each control. */
function summaryOf({ selections, controls }: LensReport) {
  const of = (label: string, spectra: SelectionReport['spectra']) => ({
    label,
    matrices: spectra.length,
    median: {
      rows: median(spectra.map((s) => s.rows)),
      energyRanks: ENERGY_SHARES.map((_, i) => median(spectra.map((s) => s.energyRanks[i] as number))),
      effectiveRank: median(spectra.map((s) => s.effectiveRank)),
      stableRank: median(spectra.map((s) => s.stableRank)),
    },
  });
  return [
    ...selections.map(({ label, spectra }) => of(label, spectra)),
    ...controls.map(({ control, spectra }) => of(control, spectra)),
  ];
}

/** Accuracy with hidden states projected onto r directions; by default r = 1, 2, 4, … H in all layers. */
export const causal: Command = async ({
  workbench,
  config,
  samples,
  lens: given,
  kept,
  pair,
  say,
  onEvent,
}) => {
  const subject = given.subject.length > 0 ? given.subject : ['teacher'];
  const option = oneSubject({ ...given, subject }, false);
  const opened = await openGiven(workbench, given, say);
  const { kind } = option;
  const model = (
    kind === 'opened' ? opened : pair.models.find(({ role }) => role === (kind === 'teacher' ? kind : 'base'))
  ) as ModelReport;
  const ranks = numbers('ranks', given.ranks);
  const problems = whole('problems', given.problems);
  const layers = numbers('layers', given.layers);
  const [selection] = await selectionsOf(workbench, [option], config, { onEvent, kept, say });
  const request: CausalRequest = {
    subject: (selection as Selection).subject,
    problems,
    layers: layers.length > 0 ? layers : Array.from({ length: model.layers }, (_, l) => l + 1),
    ranks: ranks.length > 0 ? ranks : powersUpTo(model.hidden),
    positions: given.positions as CausalRequest['positions'],
    centre: given.centre,
    samples,
    seed: config.seed,
    random: given.random,
  };
  const report: CausalReport = await workbench.causal(request, {
    report: (event) => {
      if (!('kind' in event)) return;
      const { rank, directions, accuracy, kept } = event.point;
      const mean = kept.reduce((sum, { energy }) => sum + energy, 0) / kept.length;
      say(
        `rank ${rank}, ${directions}: ${accuracyText(accuracy)}; ${directionsKept(event.point)} directions, ${(100 * mean).toFixed(1)} % of the energy`,
      );
    },
  });
  say(`nothing replaced: ${accuracyText(report.whole)}`);
  const comparisons = compareCausal(report);
  say(
    'leading directions against the others, paired by problem: difference in points [Tango’s 95 % interval], McNemar’s exact p, corrected by Holm',
  );
  for (const { rank, with: other, difference, low, high, p } of comparisons)
    say(
      `rank ${rank}, against ${other}: ${points(difference)} [${points(low)}, ${points(high)}], p ${p < 0.001 ? '< 0.001' : `= ${p.toPrecision(2)}`}`,
    );
  return { comparisons, causal: report };
};

const points = (share: number): string => (100 * share).toFixed(1);

/** 1, 2, 4, … and `max`. */
function powersUpTo(max: number): number[] {
  const out: number[] = [];
  for (let n = 1; n < max; n *= 2) out.push(n);
  return [...out, max];
}
