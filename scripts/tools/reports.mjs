/**
 * `npm run reports [-- preset… --models models]`: writes docs/reports anew, and prints what README quotes of them. A report is a
 * student trained from its preset (seed 1) whose thoughts are tested on 200 held-out problems; about a minute of processor time
 * each. Nothing else writes that folder.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './folders.mjs';

const PRESETS = ['lori-results-128', 'lori-paper-128', 'codi-128'];
const PROBLEMS = 200;
/** Of directions; the last one is quoted. */
const RANKS = [1, 2, 4, 8, 16];

const { values, positionals } = parseArgs({
  options: { models: { type: 'string', default: 'models' } },
  allowPositionals: true,
});
const folder = mkdtempSync(join(tmpdir(), 'reports-'));
try {
  for (const preset of positionals.length > 0 ? positionals : PRESETS) {
    const out = join(folder, `${preset}.json`);
    const html = join(root, `docs/reports/thoughts-${preset}.html`);
    const asked = ['--problems', String(PROBLEMS), '--ranks', RANKS.join(','), '--models', values.models];
    const command = [
      'src/lab/main.ts',
      'thoughts',
      '--preset',
      preset,
      ...asked,
      '--html',
      html,
      '--out',
      out,
    ];
    execFileSync(process.execPath, [join(root, 'scripts/tools/run-ts.mjs'), ...command], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const { thoughts, sentences } = JSON.parse(readFileSync(out, 'utf8'));
    console.log(
      `\n== ${preset}: ${thoughts.points.length} conditions, docs/reports/thoughts-${preset}.html\n`,
    );
    console.log(quoted(thoughts).join('\n'));
    console.log(`\n${sentences.join(' ')}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** README's table and the sentence under it. */
function quoted({ thoughts: K, straight, points, results }) {
  const rightOf = (wanted) => {
    const found = points.find(({ condition }) =>
      Object.entries(wanted).every(([key, value]) => condition[key] === value),
    );
    if (!found) return 'not tried';
    const { correct, total } = found.accuracy;
    return total === straight.accuracy.total ? String(correct) : `${correct} of ${total}`;
  };
  const by = (name) => rightOf({ kind: 'replaced', by: name });
  const rank = RANKS.at(-1);
  const rows = [
    ['**its own**', `**${straight.accuracy.correct}**`],
    [
      `nothing; ${K - 1} thoughts; ${K + 1}; ${2 * K}`,
      [0, K - 1, K + 1, 2 * K].map((thoughts) => rightOf({ kind: 'count', thoughts })).join('; '),
    ],
    ["zeros; each thought's mean; noise of the same norm", ['zero', 'mean', 'noise'].map(by).join('; ')],
    ['its own in another order', by('permuted')],
    [
      "another problem's, with another answer; with the same answer",
      ['other-answer', 'same-answer'].map(by).join('; '),
    ],
    [`a pause token ${K} times`, by('pause')],
    [
      `its own, on ${rank} leading directions; on as many random ones; on random ones with as much energy`,
      ['leading', 'random', 'equal-energy'].map((of) => rightOf({ kind: 'directions', of, rank })).join('; '),
    ],
    [
      `its own, but one of them its mean: z1 to z${K}`,
      Array.from({ length: K }, (_, k) => rightOf({ kind: 'one', thought: k + 1 })).join('; '),
    ],
  ];
  const all = { results: 0, found: 0, foundElsewhere: 0 };
  for (const one of results.bySteps) for (const key of Object.keys(all)) all[key] += one[key] + one.long[key];
  return [
    `| what is fed in place of its ${K} thoughts | right of ${straight.accuracy.total} |`,
    '|---|---|',
    ...rows.map(([what, right]) => `| ${what} | ${right} |`),
    '',
    `${all.found} of ${all.results} reference results stand at their problem's thoughts, ${all.foundElsewhere} of ${all.results} at another problem's.`,
    ...results.bySteps.map(
      ({ steps, problems, results: n, found, foundElsewhere }) =>
        `  ${steps} steps: ${problems} problems answered rightly, ${found} of ${n} results of one token, ${foundElsewhere} elsewhere`,
    ),
  ];
}
