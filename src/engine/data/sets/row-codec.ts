import { ANSWER_PROMPT, rowText } from '../../../contract/data';
import { quote } from '../../../text/quote';
import { InputError } from '../../base/errors';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import { endIdOf, type ProblemCodec, type ProblemText, resultOf } from '../tokens';
import { CALCULATION } from './fields';
import { begun, ended, plain } from './row-tokens';

/** The calculations `<<48/2=24>>` of a row's rationale. */
export const calculationsOf = ({ steps }: Pick<ProblemText, 'steps'>): string[] =>
  steps.flatMap((step) => step.match(CALCULATION) ?? []);

/**
 * The codec of an opened data set's rows: question and rationale end in a line end where the tokenizer has one, the answer
 * is tokenized behind its prompt, with the space between them, and what the model expects in front of a text stands in
 * front of the question. Of a rationale without calculations the form `results` is all of it.
 * @param answerPrompt what introduces the answer; its last token is the anchor
 * @throws InputError if neither model nor tokenizer names an end-of-sequence token, or the prompt has no tokens
 */
export function rowCodec(
  tokenizer: Tokenizer,
  endIds: readonly number[],
  answerPrompt = ANSWER_PROMPT,
): ProblemCodec {
  const inside = (text: string): number[] => plain(tokenizer, text);
  const endId = endIdOf(tokenizer, endIds);
  const said = answerPrompt.trimEnd();
  const prompt = inside(said);
  if (prompt.length === 0)
    throw new InputError(`the answer prompt ${quote(answerPrompt)} has no tokens`, 'Type one that has.');
  const question = (text: string): number[] => {
    const cleaned = text.trim();
    if (inside(cleaned).length === 0)
      throw new InputError(
        `the question ${quote(text)} has no tokens`,
        'Type a question, or pick one from the data set.',
      );
    return begun(
      tokenizer,
      ended(tokenizer, rowText({ question: cleaned, rationale: '', answer: '' }).question),
    );
  };
  return {
    prompt,
    padId: tokenizer.padTokenId,
    endId,
    question,
    encode(problem, form = 'steps') {
      const calculations = form === 'results' ? calculationsOf(problem) : [];
      const steps = form === 'all-but-last' ? problem.steps.slice(0, -1) : problem.steps;
      const each =
        calculations.length > 0 ? calculations.map((step) => resultOf(inside, step)) : steps.map(inside);
      const written = form === 'all-but-last' ? withoutLast(problem) : writtenOf(problem);
      return {
        question: question(problem.question),
        rationale:
          calculations.length > 0
            ? each.flat()
            : inside(ended(tokenizer, rowText({ question: '', rationale: written, answer: '' }).rationale)),
        steps: each,
        answer: [...answerTokens(inside, said, prompt, problem.answer), endId],
      };
    },
  };
}

const writtenOf = ({ steps, rationale = steps.join('\n') }: ProblemText): string => rationale;

/** The rationale as it is written, up to its last step. */
function withoutLast(problem: ProblemText): string {
  const { steps } = problem;
  const last = steps.at(-1);
  if (last === undefined) return '';
  const written = writtenOf(problem);
  const at = written.lastIndexOf(last);
  return (at < 0 ? steps.slice(0, -1).join(' ') : written.slice(0, at)).trimEnd();
}

/** The answer's own tokens. Where the tokenizer joins it with the prompt's last sign, it is tokenized by itself. */
function answerTokens(
  inside: (text: string) => number[],
  said: string,
  prompt: readonly number[],
  answer: string,
): number[] {
  const whole = inside(`${said} ${answer}`);
  return prompt.every((id, i) => whole[i] === id) ? whole.slice(prompt.length) : inside(answer);
}
