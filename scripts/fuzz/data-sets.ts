import { isRight, markAnswer, RULE_IDS } from '../../src/contract/answer-rules';
import { AS_DETECTED, DATA_FORMATS } from '../../src/contract/data';
import { readData } from '../../src/engine/data/sets/read';
import { mutateBytes, mutateJson } from './mutate';
import type { Target } from './target';

const SOLVED = { question: 'How many?', answer: '2+3 = <<2+3=5>>5.\n#### 1,005' };
const STEPS = { question: 'Is Tom a lempus?', steps: ['<<2+3=5>>', 'b'], answer: 'Tom is a lempus.' };
const CHOICES = {
  question: 'Where?',
  choices: { label: ['A', 'B'], text: ['here', 'there'] },
  answerKey: 'A',
};
const many = (row: object) => [1, 2, 3].map((i) => ({ ...row, question: `${i} ${JSON.stringify(row)}` }));
const lines = (row: object) =>
  many(row)
    .map((one) => JSON.stringify(one))
    .join('\n');

const FILES = [
  lines(SOLVED),
  lines(CHOICES),
  JSON.stringify(many(STEPS), null, 1),
  JSON.stringify([{ Body: 'Dan had $ 3', Question: 'How much?', Equation: '( 4.0 - 3.0 )', Answer: 1.0 }]),
  'How many?||<<600*30/100=180>> #### 240\nHow many then?||#### 7',
  'question,cot,answer\n"How many, then?","Two ""pairs"".",4\nAnd now?,,5\n',
  ',question,answer,\n0,"How many, then?",4\n1,And \ufffd?,5,\n2,Or?,"6"\n',
  lines({ ...SOLVED, cot: '<<2+3=5>>', answer: '#### 9007199254740993' }),
  lines({
    ...{ rationale: '2+3', steps: ['2+3'], answer: '5', reference: '5' },
    ...{ read_as: 'svamp', answer_rule: 'last-number' },
  }),
];

/** A data set of some form, damaged, read in the form that is found or in another. */
export const dataSets: Target = {
  name: 'data set',
  weight: 8,
  async run(rng) {
    const text = rng.pick(FILES);
    const bytes = new TextEncoder().encode(text);
    const damaged =
      text.startsWith('[') && rng.integer(0, 1) === 0 ? mutateJson(text, rng) : mutateBytes(bytes, rng);
    const format = rng.integer(0, 3) === 0 ? rng.pick(DATA_FORMATS) : null;
    const { rows, report } = await readData([{ name: 'rows', data: new Blob([damaged]) }], {
      ...AS_DETECTED,
      format,
    });
    for (const { reason, line } of report.malformedRows)
      if (reason === '' || reason.length > 400 || !(line >= 1))
        throw new Error(`line ${line}: a reason of ${reason.length} characters`);
    return {
      report,
      marks: rows.slice(0, 10).map(({ reference, answer }) =>
        RULE_IDS.map((rule) => {
          const mark = markAnswer(rule, reference);
          if (mark && reference.slice(mark.start, mark.end) === '') throw new Error('an empty mark');
          return [mark, isRight(rule, reference, answer)];
        }),
      ),
    };
  },
};
