import { writeFile } from 'node:fs/promises';
import { compareThoughts, verdictOf } from '../contract/thought-test';
import { thoughtTestHtml } from '../contract/thought-test-html';
import { conditionWords, FINDING_WORDS, verdictSentences } from '../contract/thought-test-words';
import type { Command } from './command';
import { accuracyText, whole } from './options';
import { numbers, problemSourceOf } from './source';
import { oneAsked } from './who';

/** Trains a student, or takes the given one, and tests whether its thoughts matter. */
export const thoughts: Command = async (input) => {
  const { workbench, config, lens: given, evaluation: who, html, say } = input;
  const settings = {
    problems: whole('problems', given.problems),
    seed: config.seed,
    ranks: numbers('ranks', given.ranks),
  };
  const source = await problemSourceOf(workbench, who, config.seed, say);
  const { subject } = await oneAsked(input, who);
  const report = await workbench.testThoughts({ ...settings, subject, source });
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
  return { verdict, sentences, comparisons, thoughts: report };
};
