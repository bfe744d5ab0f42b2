import { describe, expect, it } from 'vitest';
import { AS_DETECTED } from '../../contract/data';
import { readData } from '../../engine/data/sets/read';
import { rowsToJsonl } from './data-export';

const read = (text: string) => readData([{ name: 'rows', data: new Blob([text]) }], AS_DETECTED);

describe('rows written as JSON lines', () => {
  it.each([
    ['gsm8k', '{"question": "How many?", "answer": "2+3 = <<2+3=5>>5.\\nThen 6.\\n#### 6"}'],
    ['coconut', '[{"question": "How many?", "steps": ["<<2+3=5>>", "<<5+1=6>>"], "answer": "6"}]'],
    ['prosqa', '[{"question": "Is Tom a lempus?", "steps": ["Tom is a b."], "answer": "Tom is a lempus."}]'],
    ['cot', '{"question": "How many?", "cot": "First 2+3.\\nThen 6.", "answer": "6"}'],
  ])('read back as %s', async (format, text) => {
    const before = await read(text);
    const after = await read(rowsToJsonl(before.rows));
    expect([before.report.format, after.report.format]).toEqual([format, format]);
    expect(after.rows).toEqual(before.rows.map((row) => ({ ...row, line: 1 })));
  });
});
