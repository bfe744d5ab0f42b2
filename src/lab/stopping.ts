import { stoppingSentences, summariseStopping } from '../contract/stopping';
import { stopsByItself } from '../engine/decode/reasoning';
import { RECIPES } from '../engine/methods/index';
import type { Command, CommandInput } from './command';
import { accuracyText, whole } from './options';
import { problemSourceOf } from './source';
import { askedOf, askedSubjects } from './who';

/**
 * Answers as if a student with a stop head had stopped after each possible number of thoughts, and the head’s
 * calibration.
 */
export const stopping: Command = async (input) => {
  const { workbench, evaluation: given, config, say } = input;
  checkMethod(input);
  const problems = whole('problems', given.problems);
  const source = await problemSourceOf(workbench, given, config.seed, say);
  const reports = [];
  for await (const { name, subject } of askedSubjects(input, given)) {
    const report = await workbench.stopping({ subject, source, problems });
    const summary = summariseStopping(report);
    say(`${name}: ${report.model}`);
    for (const { thoughts, accuracy, probability, own } of summary.byThoughts)
      say(
        `  after ${thoughts}: ${accuracyText(accuracy)}; mean probability of stopping ${probability.toFixed(3)}; ${own.total} stop there, ${own.correct} of them right`,
      );
    for (const { low, high, count, probability, happened } of summary.calibration.bins)
      if (count > 0)
        say(
          `  probability ${low.toFixed(1)} to ${high.toFixed(1)}: ${count} decisions, mean ${probability.toFixed(3)}, right ${accuracyText(happened)}`,
        );
    for (const sentence of [...stoppingSentences(report, summary), ...report.notes]) say(sentence);
    reports.push({ ...report, summary });
  }
  return { stopping: reports };
};

/** Refuses a method without a stop head before a student is trained. @throws an error naming the method */
function checkMethod(input: CommandInput): void {
  for (const { name, config: own } of askedOf(input, input.evaluation).trained) {
    const recipe = RECIPES[own.method];
    // Methods whose reasoning depends on the model’s sizes have no stop head.
    const reasoning = recipe?.reasoning(own, {} as never);
    if (reasoning && !stopsByItself(reasoning))
      throw new Error(
        `${name} has no stop head: it always makes the same number of thoughts; train adaptive latent reasoning (--set method=adaptive), or give a kept or opened student`,
      );
  }
}
