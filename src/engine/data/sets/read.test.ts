import { describe, expect, it } from 'vitest';
import { AS_DETECTED, type DataReading } from '../../../contract/data';
import { delimitedRecords } from './delimited';
import { readData } from './read';

const file = (content: string | Uint8Array<ArrayBuffer>, name = 'rows') => ({
  name,
  data: new Blob([content]),
});
const read = (content: string | Uint8Array<ArrayBuffer>, reading: Partial<DataReading> = {}) =>
  readData([file(content)], { ...AS_DETECTED, ...reading });

const refusal = (work: () => Promise<unknown>, code: string, message: RegExp) =>
  expect(work()).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
    hint: expect.stringMatching(/./),
  });

const NATALIA = {
  question: 'Natalia sold clips to 48 of her friends in April. How many?',
  answer: 'She sold 48/2 = <<48/2=24>>24 clips in May.\nShe sold 48+24 = <<48+24=72>>72 clips.\n#### 72',
};
const jsonl = (...rows: object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

describe('readData by content, whatever the name', () => {
  it('reads GSM8K: solution without its last line, steps by line, the number after ####', async () => {
    const { rows, report } = await read(
      jsonl(NATALIA, { question: 'And then?', answer: 'Much.\n#### 1,000' }),
    );
    expect(report).toMatchObject({
      format: 'gsm8k',
      detected: 'gsm8k',
      layout: 'JSON lines',
      rule: 'gsm8k',
      rows: 2,
      malformed: 0,
      encoding: 'UTF-8',
      steps: { least: 1, median: 1.5, most: 2 },
    });
    expect(report.why).toContain('2 of the first 2 rows');
    expect(rows[0]).toMatchObject({
      id: 'row-1',
      line: 1,
      steps: ['She sold 48/2 = <<48/2=24>>24 clips in May.', 'She sold 48+24 = <<48+24=72>>72 clips.'],
      rationale: 'She sold 48/2 = <<48/2=24>>24 clips in May.\nShe sold 48+24 = <<48+24=72>>72 clips.',
      answer: '72',
      reference: NATALIA.answer,
    });
    expect(rows[1]?.answer).toBe('1000');
  });

  it('removes calculator annotations where that is asked for', async () => {
    const { rows } = await read(jsonl(NATALIA), { annotations: 'remove' });
    expect(rows[0]?.rationale).toBe('She sold 48/2 = 24 clips in May.\nShe sold 48+24 = 72 clips.');
  });

  it('reads icot’s lines', async () => {
    const { rows, report } = await read(
      'Out of 600 employees?||<<600*30/100=180>> <<600*10/100=60>> #### 240\nHow many?|| #### 7\n',
    );
    expect(report).toMatchObject({ format: 'icot', layout: 'text lines', rows: 2 });
    expect(rows.map(({ question, steps, answer }) => [question, steps, answer])).toEqual([
      ['Out of 600 employees?', ['<<600*30/100=180>>', '<<600*10/100=60>>'], '240'],
      ['How many?', [], '7'],
    ]);
  });

  it('reads coconut’s list, pretty-printed or not, and tells ProsQA from it', async () => {
    const aug = [{ question: 'How many?', steps: ['<<48/2=24>>', '<<48+24=72>>'], answer: '72' }];
    const prosqa = [
      {
        question: 'Every shumpus is a rempus. Is Tom a lempus or scrompus?',
        steps: ['Tom is a terpus.', 'Every terpus is a lempus.'],
        answer: 'Tom is a lempus.',
        idx_to_symbol: ['Tom'],
        edges: [[0, 2]],
      },
    ];
    for (const indent of [0, 1]) {
      const { rows, report } = await read(JSON.stringify(aug, null, indent));
      expect(report).toMatchObject({ format: 'coconut', layout: 'a JSON list', rule: 'coconut' });
      expect(rows[0]).toMatchObject({ rationale: '<<48/2=24>> <<48+24=72>>', answer: '72' });
    }
    const { rows, report } = await read(JSON.stringify(prosqa, null, 1));
    expect(report).toMatchObject({ format: 'prosqa', rule: 'coconut' });
    expect(rows[0]).toMatchObject({ line: 2, rationale: 'Tom is a terpus. Every terpus is a lempus.' });
  });

  it('reads SVAMP, GSM-Hard and both forms of MultiArith and CommonsenseQA', async () => {
    const svamp = await read(
      JSON.stringify([
        {
          ID: 'chal-1',
          Body: 'A pack costs 76 dollars. There is a discount of 25 dollars',
          Question: 'How much do you pay?',
          Equation: '( 76.0 - 25.0 )',
          Answer: 51,
          Type: 'Subtraction',
        },
      ]),
    );
    expect(svamp.report.format).toBe('svamp');
    expect(svamp.rows[0]).toMatchObject({
      question: 'A pack costs 76 dollars. There is a discount of 25 dollars How much do you pay?',
      steps: ['( 76.0 - 25.0 )'],
      answer: '51',
    });

    const code =
      'def solution():\n    """How many?"""\n    eggs = 16\n    left = eggs - 3\n    result = left\n    return result\n';
    const targets = [-9867630, 3244047.0999999996, 1e21, 5e-7].map((target) => ({
      input: `How many for ${target}?`,
      code,
      target,
    }));
    const hard = await read(jsonl(...targets));
    expect(hard.report).toMatchObject({ format: 'gsm-hard', rule: 'gsm-hard' });
    expect(hard.rows[0]?.steps).toEqual(['eggs = 16', 'left = eggs - 3', 'result = left']);
    expect(hard.rows.map(({ answer }) => answer)).toEqual([
      '-9867630',
      '3244047.0999999996',
      '1000000000000000000000',
      '0.0000005',
    ]);

    const multi = await read(
      JSON.stringify([
        { iIndex: 0, sQuestion: 'How many?', lEquations: ['X=(2.0+3.0)'], lSolutions: [5.0] },
        { iIndex: 1, sQuestion: 'How many then?', lEquations: [], lSolutions: [] },
      ]),
    );
    expect(multi.report).toMatchObject({ format: 'multiarith', rows: 1, malformed: 1 });
    expect(multi.rows[0]).toMatchObject({ answer: '5', steps: ['X=(2.0+3.0)'] });
    const hub = await read(jsonl({ question: ' How many? ', final_ans: '146' }));
    expect(hub.report.format).toBe('multiarith');
    expect(hub.rows[0]).toMatchObject({ question: 'How many?', answer: '146' });

    const asked = 'What would people do at a party?\nA: have fun\nB: sleep';
    const labels = { label: ['A', 'B'], text: ['have fun', 'sleep'] };
    const flat = await read(
      jsonl({
        id: '1',
        question: asked.split('\n')[0],
        question_concept: 'party',
        choices: labels,
        answerKey: 'A',
      }),
    );
    const nested = await read(
      jsonl({
        answerKey: 'A',
        question: {
          stem: asked.split('\n')[0],
          choices: [
            { label: 'A', text: 'have fun' },
            { label: 'B', text: 'sleep' },
          ],
        },
      }),
    );
    for (const { report, rows } of [flat, nested]) {
      expect(report).toMatchObject({ format: 'commonsenseqa', rule: 'letter' });
      expect(rows[0]).toMatchObject({ question: asked, answer: 'A', rationale: '' });
    }
  });

  it('reads CSV and TSV with quotes, line breaks in cells and columns named as they usually are', async () => {
    const csv = 'id,Problem,Cot,Answer\n1,"How many, then?\nTell me.","Two ""pairs"".",4\n2,And now?,,5\n';
    const { rows, report } = await read(csv);
    expect(report).toMatchObject({
      format: 'columns',
      layout: 'CSV',
      mapping: { question: 'Problem', answer: 'Answer', rationale: 'Cot' },
      columns: ['id', 'Problem', 'Cot', 'Answer'],
    });
    expect(rows.map(({ line, question, rationale, answer }) => [line, question, rationale, answer])).toEqual([
      [2, 'How many, then?\nTell me.', 'Two "pairs".', '4'],
      [4, 'And now?', '', '5'],
    ]);
    const tsv = await read('frage\tantwort\r\nWie viele?\t4\r\nUnd nun, bitte?\t5\r\n');
    expect(tsv.report).toMatchObject({ layout: 'TSV', rows: 0, malformed: 0, mapping: null, detected: null });
    expect(tsv.report.notes.join()).toContain('choose them');
    const mapped = await read('frage\tantwort\r\nWie viele?\t4\r\nUnd nun, bitte?\t5\r\n', {
      columns: { question: 'frage', answer: 'antwort' },
    });
    const semicolons = await read('question;answer\nHow many, then?;4,5\n');
    expect(semicolons.rows[0]).toMatchObject({ question: 'How many, then?', answer: '4,5' });
    expect(mapped.rows.map(({ question, answer }) => [question, answer])).toEqual([
      ['Wie viele?', '4'],
      ['Und nun, bitte?', '5'],
    ]);
    await refusal(() => read('a,b\n1,2\n', { columns: { question: 'c', answer: 'b' } }), 'input', /"c"/);
  });

  it('reads CSV whose header has columns without a name, as pandas and Excel write it', async () => {
    const pandas = await read(',question,answer\n0,How many?,4\n1,And now?,5\n');
    expect(pandas.report).toMatchObject({ rows: 2, columns: ['column 1', 'question', 'answer'] });
    expect(pandas.report.notes).toEqual([
      'The header of rows has columns without a name, called "column 1" here.',
    ]);
    for (const end of ['', ',', ', ']) {
      const excel = await read(`question,answer,\nHow many?,4${end}\n`);
      expect(excel.report).toMatchObject({ rows: 1, malformed: 0, columns: ['question', 'answer'] });
      expect(excel.report.notes.join()).toMatch(/left out: "column 3"/);
    }
    const taken = await read(',column 1,question,answer\nx,y,How many?,4\n');
    expect(taken.report.columns).toEqual(['column 1 (unnamed)', 'column 1', 'question', 'answer']);
    const short = await read('question,answer,\nHow many?\n');
    expect(short.report.malformedRows[0]?.reason).toBe('1 cell; the header has 3 columns');
  });

  it('finds the rows inside one object, also as the Hub’s dataset viewer gives them', async () => {
    const inside = { version: 1, data: [NATALIA, { question: 'Second?', answer: '#### 2' }] };
    for (const indent of [0, 2]) {
      const { rows, report } = await read(JSON.stringify(inside, null, indent));
      expect(rows.map(({ id, answer }) => [id, answer])).toEqual([
        ['row-1', '72'],
        ['row-2', '2'],
      ]);
      expect(report).toMatchObject({ format: 'gsm8k', malformed: 0 });
      expect(report.notes.join()).toContain('the list under "data"');
    }
    const viewer = {
      features: [{ feature_idx: 0, name: 'question', type: { dtype: 'string' } }],
      rows: [
        { row_idx: 0, row: NATALIA, truncated_cells: [] },
        { row_idx: 1, row: { question: 'Cut off', answer: 'So' }, truncated_cells: ['answer'] },
      ],
      num_rows_total: 7473,
    };
    const { report } = await read(JSON.stringify(viewer));
    expect(report).toMatchObject({ format: 'gsm8k', rows: 1, malformed: 1 });
    expect(report.malformedRows[0]?.reason).toBe('the viewer has cut off answer');
  });

  it('keeps the digits of numbers that JavaScript does not hold', async () => {
    const row = '{"question": "How many?", "answer": 9007199254740993}';
    for (const text of [row, `[${row}]`, `{"data": [${row}]}`])
      expect((await read(text)).rows[0]?.answer).toBe('9007199254740993');
  });

  it('takes another form when it is told to, and says so', async () => {
    const row = { question: 'How many?', answer: 'So 5.\n#### 5', steps: ['a', 'b'] };
    const { report } = await read(jsonl(row), { format: 'gsm8k' });
    expect(report).toMatchObject({ format: 'gsm8k', detected: 'coconut', rows: 1 });
    expect(report.notes.join()).toContain('as chosen');
  });

  it.each([
    ['cot', { cot: '<<48/2=24>> <<48+24=72>>' }, 'last-number'],
    ['coconut', { steps: ['<<48/2=24>>', '<<48+24=72>>'] }, 'coconut'],
  ] as const)('reads %s’s steps although the answer has GSM8K’s sign', async (format, steps, rule) => {
    const { rows, report } = await read(jsonl({ question: 'How many clips?', ...steps, answer: '#### 72' }));
    expect(report).toMatchObject({ format, rule, notes: [] });
    expect(rows[0]).toMatchObject({
      rationale: '<<48/2=24>> <<48+24=72>>',
      steps: ['<<48/2=24>>', '<<48+24=72>>'],
      answer: '72',
      reference: '#### 72',
    });
    const bare = await read(jsonl({ question: 'How many?', ...steps, answer: '####' }));
    expect(bare.report.malformedRows[0]?.reason).toBe('nothing stands behind ####');
  });

  it('names text that it does not use', async () => {
    const row = { id: 'a 1'.slice(2), ...NATALIA, solution: 'Half of 48 is 24.', kind: 'easy' };
    expect((await read(jsonl(row))).report.notes.join()).toContain('text under "solution" too');
    const columns = { question: 'How many?', note: 'two words', answer: '5' };
    expect((await read(jsonl(columns))).report.notes.join()).toContain('text under "note" too');
    const used = { ...columns, rationale: 'Two and three.', note: 'one' };
    expect((await read(jsonl(used))).report.notes).toEqual([]);
  });

  it('finds the rule of your own data in its answers', async () => {
    const rule = async (...answers: string[]) =>
      (await read(jsonl(...answers.map((answer, i) => ({ question: `Q${i}`, answer }))))).report.rule;
    expect(await rule('A', 'B')).toBe('letter');
    expect(await rule('5', '$6')).toBe('last-number');
    expect(await rule('yes', 'no')).toBe('text');
  });
});

describe('malformed rows', () => {
  it('are listed with line and reason, and the rest loads', async () => {
    const { report, rows } = await read(
      [
        JSON.stringify(NATALIA),
        '{"question": "q", "answer": NaN}',
        '',
        '{"question": "q", "question": "r", "answer": "#### 1"}',
        '{"question": "cut", "ans',
        '[1, 2]',
        JSON.stringify({ question: '', answer: '#### 5' }),
        JSON.stringify({ question: 'no number', answer: 'five' }),
        JSON.stringify({ question: 'no answer' }),
        JSON.stringify({ question: 5, answer: ['#### 5'] }),
        JSON.stringify({ question: 'last', answer: '#### 9' }),
      ].join('\r\n'),
      { format: 'gsm8k' },
    );
    expect(rows.map(({ id, line, answer }) => [id, line, answer])).toEqual([
      ['row-1', 1, '72'],
      ['row-10', 11, '9'],
    ]);
    expect(report.malformed).toBe(8);
    expect(report.malformedRows.map(({ line, reason }) => `${line}: ${reason}`)).toEqual([
      expect.stringMatching(/^2: .*NaN/),
      expect.stringMatching(/^4: key "question" appears twice/),
      expect.stringMatching(/^5: not valid JSON/),
      expect.stringMatching(/^6: .*an object/),
      '7: question is empty',
      '8: the answer has no “#### ” with a number behind it',
      '9: answer is missing',
      expect.stringMatching(/^10: answer is \["#### 5"\]/),
    ]);
    expect(report.notes.join()).toContain('Most rows are malformed (8 of 10)');
  });

  it('are all told to whoever asks, with the duplicates; reports list the first 200', async () => {
    const good = jsonl(NATALIA);
    const [bad, again] = ['{"question": "q"}\n'.repeat(300), good.repeat(250)];
    const told: { file: string; line: number; reason: string }[] = [];
    const { report } = await readData([file(good + bad, 'a'), file(again, 'b')], AS_DETECTED, {
      onLeftOut: (row) => told.push(row),
    });
    expect([report.malformed, report.malformedRows.length]).toEqual([300, 200]);
    expect([report.duplicates, report.duplicateRows.length]).toEqual([250, 200]);
    expect(told.length).toBe(550);
    expect(told[299]).toEqual({ file: 'a', line: 301, reason: 'answer is missing' });
    expect(told[549]).toEqual({ file: 'b', line: 250, reason: 'duplicate of row-1, with the same answer' });
  });

  it('of a list spoil themselves alone; a list that is cut off says so', async () => {
    const list = `[\n {"question": "a", "answer": "#### 1"},\n {"question": "b", "answer": Infinity},\n 7,\n {"question": "c", "answer": "x ] } \\" #### 3"},\n {"question": "d", "ans`;
    const { rows, report } = await read(list, { format: 'gsm8k' });
    expect(rows.map(({ question, line }) => [question, line])).toEqual([
      ['a', 2],
      ['c', 5],
    ]);
    expect(report.malformedRows.map(({ line }) => line)).toEqual([3, 4, 6]);
    expect(report.malformedRows.at(-1)?.reason).toContain('cut off');
    const stray = await read(
      '[{"question": "a", "answer": "#### 1"}, }, {"question": "b", "answer": "#### 2"}]',
    );
    expect(stray.report).toMatchObject({ rows: 2, malformed: 1 });
    const closed = await read('[{"question": "a", "answer": "#### 1"}] trailing');
    expect(closed.report.malformedRows[0]?.reason).toContain('follows the end of the list');
  });

  it('of CSV are those with cells too many or too few, or a quote left open', async () => {
    const { rows, report } = await read('question,answer\na,1\nb\nc,3,4\nd,4\n"e,5\n');
    expect(rows.map(({ question }) => question)).toEqual(['a', 'd']);
    expect(report.malformedRows.map(({ line, reason }) => `${line}: ${reason}`)).toEqual([
      '3: 1 cell; the header names 2 columns',
      '4: 3 cells; the header names 2 columns',
      expect.stringMatching(/^6: quoted field/),
    ]);
    await refusal(() => read('question,question\na,1\n'), 'file', /column 2/);
  });

  it('of CSV leave the rows behind an open quote as they are', async () => {
    const { rows, report } = await read('question,answer\na,1\n"b, 2\nc,3\nd,4\n"e",5\nf,6\n');
    expect(rows.map(({ line, question }) => [line, question])).toEqual([
      [2, 'a'],
      [4, 'c'],
      [5, 'd'],
      [6, 'e'],
      [7, 'f'],
    ]);
    expect(report.malformedRows.map(({ line, reason }) => `${line}: ${reason}`)).toEqual([
      expect.stringMatching(/^3: .*quote/),
    ]);
    const counted = await read('question,answer\na,1\n"b, 2\nc,"\nd,4\n');
    expect(counted.rows.map(({ question }) => question)).toEqual(['a', 'd']);
    expect(counted.report.malformedRows[0]).toMatchObject({
      line: 3,
      reason: '1 cell; the header names 2 columns (lines 3 to 4)',
    });
    await refusal(() => read('"question,answer\na,1\n"b",2\n'), 'file', /header has a quote/);
  });

  it('of CSV with a quote open in every line take no time without end, and lines that are not read are named', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `"open ${i}, ${i}`);
    const { report } = await read(`question,answer\nfirst,1\n${lines.join('\n')}\n`);
    expect(report.rows).toBeGreaterThanOrEqual(1);
    expect(report.malformedRows[0]).toMatchObject({ line: 3, reason: expect.not.stringContaining('lines') });
    // Only the first are listed there.
    const last = [...(await delimitedRecords(`question,answer\n${lines.join('\n')}\n`, () => {}))].at(-1);
    expect(last?.reason).toMatch(/\(lines \d+ to 20001\)$/);
  });

  it('are those with bytes of another encoding', async () => {
    const latin1 = Uint8Array.from('question,answer\ncaf\xe9?,1\ntea?,2\n', (c) => c.charCodeAt(0));
    const { rows, report } = await read(latin1);
    expect(rows.map(({ question }) => question)).toEqual(['tea?']);
    expect(report.malformedRows).toEqual([
      { file: 'rows', line: 2, reason: expect.stringContaining('not UTF-8') },
    ]);
  });
});

describe('U+FFFD', () => {
  const odd = { question: 'What is \ufffd?', answer: '5' };
  const bytes = (...texts: (string | number)[]) =>
    Uint8Array.from(
      texts.flatMap((one) => (typeof one === 'number' ? [one] : [...new TextEncoder().encode(one)])),
    );

  it.each([
    ['JSON lines', jsonl(odd, { question: 'And?', answer: '6' })],
    ['a JSON list', JSON.stringify([odd, { question: 'And?', answer: '6' }])],
    ['CSV', 'question,answer\nWhat is \ufffd?,5\nAnd?,6\n'],
  ])('in a text is read as it stands: %s', async (layout, text) => {
    const { rows, report } = await read(text);
    expect(report).toMatchObject({ layout, malformed: 0 });
    expect(rows.map(({ question }) => question)).toEqual([odd.question, 'And?']);
  });

  it('is told from bytes of another encoding in the same file', async () => {
    const rest = jsonl(odd, { question: '\u{10000} \u{103ff}?', answer: '7' });
    const { rows, report } = await read(
      bytes('\ufeff{"question": "caf', 0xe9, '?", "answer": "1"}\n', rest, '{"question": "\ufffd', 0xef),
    );
    expect(rows.map(({ line, question }) => [line, question])).toEqual([
      [2, odd.question],
      [3, '\u{10000} \u{103ff}?'],
    ]);
    expect(report.malformedRows.map(({ line, reason }) => `${line} ${reason}`)).toEqual([
      expect.stringMatching(/^1 .*not UTF-8/),
      expect.stringMatching(/^4 .*not UTF-8/),
    ]);
    const wide = (text: string) => Uint16Array.from(text, (c) => c.charCodeAt(0));
    const units = wide(`\ufeff${jsonl(odd)}{"question": "\ud800?", "answer": "1"}\n`);
    const utf16 = await read(new Uint8Array(units.buffer));
    expect(utf16.rows.map(({ question }) => question)).toEqual([odd.question]);
    expect(utf16.report).toMatchObject({ malformed: 1, encoding: 'UTF-16LE' });
  });

  it('or a bad byte in one row of the viewer leaves the others its rows', async () => {
    const row = (question: string, i: number) =>
      `${JSON.stringify({ row_idx: i, row: { question, answer: '5' }, truncated_cells: [] })}\n`;
    const own = await read([odd.question, 'And?'].map(row).join(''));
    expect(own.report).toMatchObject({ rows: 2, malformed: 0 });
    const bad = await read(bytes(row('One?', 0), '{"row_idx": 1, "row": "', 0xe9, '"}\n', row('Three?', 2)));
    expect(bad.rows.map(({ question }) => question)).toEqual(['One?', 'Three?']);
    expect(bad.report.malformedRows.map(({ line }) => line)).toEqual([2]);
  });
});

describe('files', () => {
  it('may have a byte order mark, also of UTF-16', async () => {
    const rows = jsonl(NATALIA);
    expect((await read(`\ufeff${rows}`)).report).toMatchObject({ rows: 1, malformed: 0 });
    const wide = new Uint8Array(Uint16Array.from(`\ufeff${rows}`, (c) => c.charCodeAt(0)).buffer);
    const { report } = await read(wide);
    expect(report).toMatchObject({ rows: 1, encoding: 'UTF-16LE' });
    expect(report.notes.join()).toContain('UTF-16LE');
  });

  it('that are something else are refused by name', async () => {
    for (const [content, what] of [
      ['PAR1\x15\x04', /Parquet/],
      ['PK\x03\x04xl/workbook', /Excel/],
      ['version https://git-lfs.github.com/spec/v1\noid', /LFS/],
      ['<!DOCTYPE html><html>', /web page/],
      ['', /empty/],
      ['{\n "train": [\n  {}\n ]', /JSON lines/],
      ['{"train": [{"question": "q"}], "test": [{"question": "r"}]}', /several lists: "train", "test"/],
      ['a\0b\0', /zero bytes/],
    ] as const)
      await refusal(() => read(content), 'file', what);
    await refusal(() => read(Uint8Array.of(0x1f, 0x8b, 8, 0)), 'file', /gzip/);
    await refusal(() => readData([], AS_DETECTED), 'input', /no files/);
  });

  it('of one set are read one after another; ids tell them apart', async () => {
    const [a, b] = [jsonl(NATALIA), jsonl({ question: 'Second?', answer: '#### 2' }, NATALIA)];
    const { rows, report } = await readData([file(a, 'a.jsonl'), file(b, 'b.jsonl')], AS_DETECTED);
    expect(rows.map(({ id }) => id)).toEqual(['row-1', '2:row-1']);
    expect(report).toMatchObject({ name: 'a.jsonl, b.jsonl', duplicates: 1 });
    expect(report.duplicateRows).toEqual([{ id: '2:row-2', line: 2, of: 'row-1', sameAnswer: true }]);
    await refusal(
      () => readData([file(a, 'a'), file('[{"question": "x", "answer": "#### 1"}]', 'b')], AS_DETECTED),
      'file',
      /b is written as a JSON list, a as JSON lines/,
    );
  });

  it('of 10 MB are read with progress, and a cancel gets through', async () => {
    const text = Array.from({ length: 40_000 }, (_, i) =>
      JSON.stringify({
        question: `${'How many then? '.repeat(12)}${i}`,
        answer: `So it is ${i}.\n#### ${i}`,
      }),
    ).join('\n');
    expect(text.length).toBeGreaterThan(9e6);
    let [calls, last] = [0, -1];
    const { report } = await readData([file(text)], AS_DETECTED, {
      onProgress: (done, total) => {
        expect(done).toBeGreaterThanOrEqual(last);
        expect(total).toBe(text.length);
        last = done;
        calls++;
      },
    });
    expect(report.rows).toBe(40_000);
    expect(calls).toBeGreaterThan(50);
    expect(last).toBe(text.length);
    const controller = new AbortController();
    const cancelled = readData([file(text)], AS_DETECTED, {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('of CSV take time in proportion to their rows', async () => {
    const csv = (rows: number) =>
      `question,answer\n${Array.from({ length: rows }, (_, i) => `"How many, in case ${i}?",${i}`).join('\n')}\n`;
    const { report, rows } = await read(csv(30_000));
    expect(report).toMatchObject({ rows: 30_000, malformed: 0 });
    expect(rows.at(-1)).toMatchObject({
      line: 30_001,
      question: 'How many, in case 29999?',
      answer: '29999',
    });
  });
});
