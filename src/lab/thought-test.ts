import { writeFile } from 'node:fs/promises';
import { compareThoughts, verdictOf } from '../contract/thought-test';
import { thoughtTestHtml } from '../contract/thought-test-html';
import { conditionWords, FINDING_WORDS, verdictSentences } from '../contract/thought-test-words';
import { type Command, unobserved } from './command';
import { accuracyText, whole } from './options';
import { numbers } from './source';

/** Trains a student, and tests whether its thoughts matter. */
export const thoughts: Command = async ({ workbench, config, lens: given, html, say, onEvent }) => {
  const request = {
    subject: { kind: 'student' } as const,
    problems: whole('problems', given.problems),
    seed: config.seed,
    ranks: numbers('ranks', given.ranks),
  };
  const run = await workbench.distil(unobserved(config), { report: onEvent });
  const report = await workbench.testThoughts(request);
  const comparisons = compareThoughts(report);
  const verdict = verdictOf(comparisons);
  const sentences = verdictSentences(report, comparisons, verdict);
  say(`as they are: ${accuracyText(report.straight.accuracy)}`);
  comparisons.forEach(({ condition, difference, interval, p, finding }, i) => {
    const accuracy = report.points[i]?.accuracy;
    const points = (share: number) => (100 * share).toFixed(1);
    say(
      `${conditionWords(condition)}: ${accuracy ? accuracyText(accuracy) : ''}; difference ${points(difference)} [${points(interval.low)}, ${points(interval.high)}], p ${p < 0.001 ? '< 0.001' : `= ${p.toPrecision(2)}`}: ${FINDING_WORDS[finding]}`,
    );
  });
  for (const sentence of [...sentences, ...report.notes]) say(sentence);
  if (html !== undefined) await writeFile(html, thoughtTestHtml(report));
  return { heldOut: run.heldOut, verdict, sentences, comparisons, thoughts: report };
};
