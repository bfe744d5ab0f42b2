import { percent } from './interval';
import type { Interval } from './statistics';
import { compareThoughts, type ThoughtTestPoint, type ThoughtTestReport, verdictOf } from './thought-test';
import {
  CONDITION_COLUMNS,
  conditionWords,
  FINDING_WORDS,
  METHOD_NOTE,
  RESULT_COLUMNS,
  resultRow,
  verdictSentences,
} from './thought-test-words';

/** The test of a student's thoughts as one HTML page that needs nothing else: verdict, figure, table, method. */
export function thoughtTestHtml(report: ThoughtTestReport): string {
  const { label, model, ids, request, pause, results } = report;
  const comparisons = compareThoughts(report);
  const sentences = verdictSentences(report, comparisons, verdictOf(comparisons));
  const rows = comparisons.map((one, i) => {
    const point = report.points[i] as ThoughtTestPoint;
    return [
      conditionWords(one.condition),
      String(point.outcomes.length),
      percent(point.accuracy.share),
      percent(one.difference),
      span(one.interval),
      one.p < 0.001 ? '< 0.001' : one.p.toPrecision(2),
      FINDING_WORDS[one.finding],
      one.bootstrap ? span(one.bootstrap) : '–',
      percent(one.changed),
      `${one.divergence.toPrecision(3)}${one.divergenceInterval ? ` [${one.divergenceInterval.low.toPrecision(3)}, ${one.divergenceInterval.high.toPrecision(3)}]` : ''}`,
    ];
  });
  const { accuracy, condition } = report.straight;
  const whole = [conditionWords(condition), String(accuracy.total), percent(accuracy.share)];
  rows.unshift([...whole, ...new Array<string>(CONDITION_COLUMNS.length - whole.length).fill('–')]);
  const found = results.bySteps.map((one) =>
    resultRow(one, (part, whole) => (whole > 0 ? percent(part / whole) : '–')).map(String),
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Do the thoughts matter?</title>
<style>body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}
table{border-collapse:collapse}td,th{border-bottom:1px solid #ccc;padding:.2rem .6rem;text-align:left}td{font-variant-numeric:tabular-nums}</style></head><body>
<h1>Do the thoughts matter?</h1>
<p>${escaped(`${label} (${model}); ${ids.length} problems, ${ids[0]} to ${ids.at(-1)}; pause ${JSON.stringify(pause)}; seed ${request.seed}`)}</p>
${[...sentences, ...report.notes].map((sentence) => `<p>${escaped(sentence)}</p>`).join('\n')}
<h2>Share right under every condition, with 95 % intervals</h2>
${figureOf(report)}
<h2>Every condition against the thoughts as they are</h2>
${tableOf(CONDITION_COLUMNS, rows)}
<p>${escaped(METHOD_NOTE)}</p>
<h2>Results of the reference steps among the ${results.top} most probable tokens of the thoughts</h2>
${tableOf(RESULT_COLUMNS, found)}
</body></html>
`;
}

const span = ({ low, high }: Interval): string => `${percent(low)} to ${percent(high)}`;

const escaped = (text: string): string =>
  text.replace(
    /[&<>"]/g,
    (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign] as string,
  );

const tableOf = (columns: readonly string[], rows: readonly (readonly string[])[]): string =>
  `<table><thead><tr>${columns.map((name) => `<th scope="col">${escaped(name)}</th>`).join('')}</tr></thead><tbody>
${rows.map(([head = '', ...cells]) => `<tr><th scope="row">${escaped(head)}</th>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`).join('\n')}
</tbody></table>`;

/** A dot and an interval for each condition; the line is the student with its thoughts as they are. */
function figureOf({ straight, points }: ThoughtTestReport): string {
  const [left, width, step] = [330, 460, 20];
  const all = [straight, ...points];
  const x = (share: number) => (left + width * share).toFixed(1);
  const lines = all.map(({ condition, accuracy }, i) => {
    const y = step * (i + 1);
    return `<text x="${left - 8}" y="${y + 4}" text-anchor="end">${escaped(conditionWords(condition))}</text><line x1="${x(accuracy.low)}" x2="${x(accuracy.high)}" y1="${y}" y2="${y}" stroke="#1a6"/><circle cx="${x(accuracy.share)}" cy="${y}" r="3.5" fill="#1a6"/>`;
  });
  const height = step * (all.length + 2);
  const level = x(straight.accuracy.share);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map(
    (share) => `<text x="${x(share)}" y="${height - 6}" text-anchor="middle">${100 * share} %</text>`,
  );
  return `<svg viewBox="0 0 ${left + width + 40} ${height}" width="${left + width + 40}" role="img" aria-label="Share right under every condition" font-family="system-ui,sans-serif" font-size="12"><line x1="${level}" x2="${level}" y1="6" y2="${height - step}" stroke="#999" stroke-dasharray="4 3"/>${lines.join('')}${ticks.join('')}</svg>`;
}
