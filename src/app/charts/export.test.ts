import { describe, expect, it } from 'vitest';
import { captioned, linesOf } from './export';
import { wrapped } from './plotly';
import { withSource } from './source';

describe('files', () => {
  it('have their source in a last column, in the first row', () => {
    const table = { columns: ['a'], rows: [[1], [2]] };
    expect(withSource(table, 'seed 1')).toEqual({
      columns: ['a', 'source'],
      rows: [
        [1, 'seed 1'],
        [2, null],
      ],
    });
    expect(withSource(table, '')).toEqual(table);
  });

  it('as images have title and source around the drawing, as text', () => {
    const { svg, height } = captioned('<svg width="720"/>', 720, 300, {
      title: 'a < b & "c"',
      source: `${'train-1, '.repeat(40)}seed 1`,
      theme: 'dark',
    });
    expect(svg).toContain('a &lt; b &amp; &quot;c&quot;');
    expect(svg.match(/<text/g)).toHaveLength(1 + linesOf('train-1, '.repeat(40), 116).length);
    expect(svg).toContain('<title>a &lt; b &amp; &quot;c&quot;</title><desc>train-1');
    expect(height).toBeGreaterThan(300);
  });

  it('break lines between words, or where there is none', () => {
    expect(linesOf('aa bb cc', 5)).toEqual(['aa bb', 'cc']);
    expect(linesOf('aaaaaaa b', 3)).toEqual(['aaa', 'aaa', 'a b']);
    expect(linesOf('  ', 3)).toEqual([]);
  });
});

it('hover texts are text, in short lines, and not too many', () => {
  expect(wrapped('<b>x</b> & y')).toBe('&lt;b&gt;x&lt;/b&gt; &amp; y');
  const lines = wrapped('word '.repeat(100), 20, 3).split('<br>');
  expect(lines).toHaveLength(3);
  expect(lines[2]!.endsWith(' …')).toBe(true);
  for (const line of lines.slice(0, 2)) expect(line.length).toBeLessThanOrEqual(20);
  expect(
    wrapped('x'.repeat(50), 20)
      .split('<br>')
      .map((line) => line.length),
  ).toEqual([20, 20, 10]);
});
