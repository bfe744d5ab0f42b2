import { wordProblems } from '../../../src/engine/data/word-problems';

export interface Row {
  question: string;
  readonly steps: readonly string[];
  readonly answer: string;
}

/** About as many tokens as the bundled tokenizer makes of it: one for each word and sign. */
export const tokensOf = (text: string): number => text.split(/(?=[ .?])/).length;

/** At least `count` rows: word problems before one another until a question has about so many tokens. */
export function rowsOf(count: number, question: number): Row[] {
  // A problem has 20 tokens or more.
  const each = Math.ceil(question / 20) + 1;
  return wordProblems(11, each * (count + 1), { minSteps: 2, maxSteps: 4 })
    .reduce<Row[]>((made, problem) => {
      const last = made.at(-1);
      if (last && tokensOf(last.question) + tokensOf(problem.question) <= question)
        last.question = `${problem.question.replace(/ How.*/, '')} ${last.question}`;
      else made.push({ ...problem });
      return made;
    }, [])
    .slice(0, count);
}
