import { describe, expect, it } from 'vitest';
import { AS_DETECTED, DATA_FORMATS, type DataReading } from '../../contract/data';
import { readData } from '../../engine/data/sets/read';
import { rowsToJsonl } from './data-export';

const read = (text: string, reading: Partial<DataReading> = {}) =>
  readData([{ name: 'rows', data: new Blob([text]) }], { ...AS_DETECTED, ...reading });

const FILES = [
  ['gsm8k', '{"question": "How many?", "answer": "2+3 = <<2+3=5>>5.\\nThen 6.\\n#### 6"}'],
  ['coconut', '[{"question": "How many?", "steps": ["<<2+3=5>>", "<<5+1=6>>"], "answer": "6"}]'],
  ['coconut', '[{"question": "How many?", "steps": ["<<2+3=5>>", "<<5+1=6>>"], "answer": "#### 6"}]'],
  ['prosqa', '[{"question": "Is Tom a lempus?", "steps": ["Tom is a b."], "answer": "Tom is a lempus."}]'],
  [
    'prosqa',
    '[{"question": "Is Tom a b?", "steps": ["Tom is a b."], "answer": "True", "idx_to_symbol": ["Tom"]}]',
  ],
  ['cot', '{"question": "How many?", "cot": "First 2+3.\\nThen 6.", "answer": "6"}'],
  ['cot', '{"question": "How many?", "cot": "Yes, 6.", "answer": "six"}'],
  ['icot', 'How many?||<<2+3=5>> <<5+1=6>> #### 6\nHow much?|| #### 7\n'],
  ['svamp', '[{"Body": "A pack.", "Question": "How much?", "Equation": "( 76.0 - 25.0 )", "Answer": 51.0}]'],
  [
    'gsm-hard',
    '{"input": "How many?", "code": "def solution():\\n    a = 2\\n    b = a + 3\\n    return b\\n", "target": 5.5}',
  ],
  ['multiarith', '[{"sQuestion": "How many?", "lEquations": ["X=(2.0+3.0)"], "lSolutions": [5.0]}]'],
  ['multiarith', '{"question": "How many?", "final_ans": "146"}'],
  [
    'commonsenseqa',
    '{"question": "Where?", "choices": {"label": ["A", "B"], "text": ["here", "there"]}, "answerKey": "B"}',
  ],
  ['columns', 'id,Problem,Reasoning,Answer\n1,How many?,"Two. Then three.",4\n'],
  ['columns', 'Problem,Answer\nWho?,Tom\n'],
] as const;

describe('rows written as JSON lines', () => {
  it.each(FILES)('read back as %s: %s', async (format, text) => {
    const before = await read(text);
    const after = await read(rowsToJsonl(before.rows, before.report));
    const said = ({ report: { format, rule, detected, malformed, notes } }: typeof before) => ({
      ...{ format, rule, detected, malformed, notes },
    });
    expect(before.report).toMatchObject({ format, malformed: 0 });
    expect(said(after)).toEqual(said(before));
    expect(after.rows).toEqual(before.rows.map((row, i) => ({ ...row, line: i + 1 })));
  });

  it('are tried in every form', () => {
    expect([...new Set(FILES.map(([format]) => format))].sort()).toEqual([...DATA_FORMATS].sort());
  });

  it('keep the rule of a set whose other rows it was found in', async () => {
    const set = await read('Problem,Answer\nHow many?,4\nWho?,Tom\nWhere?,here\n');
    expect(set.report.rule).toBe('text');
    const after = await read(rowsToJsonl(set.rows.slice(0, 1), set.report));
    expect(after.report.rule).toBe('text');
  });

  it('keep a solution without its annotations', async () => {
    const before = await read(FILES[0][1], { annotations: 'remove' });
    const after = await read(rowsToJsonl(before.rows, before.report));
    expect(after.rows[0]).toMatchObject({
      rationale: '2+3 = 5.\nThen 6.',
      steps: ['2+3 = 5.', 'Then 6.'],
      answer: '6',
    });
  });

  it('can be read in another way, and say where their rules differ', async () => {
    const { rows, report } = await read(FILES[7][1]);
    const [first, second] = rows.map((row) => rowsToJsonl([row], report));
    const mapped = await read(`${first}`, {
      columns: { question: 'question', answer: 'id' },
      format: 'columns',
    });
    expect(mapped.rows[0]).toMatchObject({ question: 'How many?', answer: 'row-1', rationale: '' });
    const mixed = await read(`${first}${second?.replace('"last-number"', '"text"')}`);
    expect(mixed.report).toMatchObject({ format: 'icot', rule: 'last-number', rows: 2 });
    expect(mixed.report.notes.join()).toContain('no answer rule in common (last-number, text)');
  });
});
