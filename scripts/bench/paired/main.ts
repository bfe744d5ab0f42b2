/**
 * Times this checkout against an earlier commit, in alternation and with the same models, and prints best, median and the
 * change with its interval:
 *
 *     npm run bench:paired -- --base 99de742 --runs 5 --what step,lens,first-run
 *
 * `step` is a training step of LoRi on the bundled pair, as `bench` of the lab times it; `lens` is figure 6 of 16 problems, and
 * the whole command around it, which starts the lab (bundled before), opens the pair and now also says how long it will take;
 * `first-run` is the guided run in a fresh browser, on WASM. The earlier commit is checked out into a temporary folder with its own
 * packages. Its models serve both, because what is timed is the program. Or any command in any checkouts:
 *
 *     npm run bench:paired -- before=/path/to/checkout after=. -- npm run --silent lab -- lens --out /dev/null
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildLab, buildPage, checkOut, modelsForToday } from './checkout';
import { timeFirstRun } from './first-run';
import { inAlternation, summary, type Times, timed } from './timed';

/** Where the redesign of the engine began. */
const BASE = '99de742';
const WHAT = ['step', 'lens', 'first-run'] as const;
/** Of both sides, whatever the presets of their time say. */
const SETTINGS = [
  ...[
    '--preset',
    'lori-128',
    '--set',
    'weights.anchor=0.125',
    '--set',
    'latent.steps=4',
    '--set',
    'optimiser.batch=8',
  ],
  ...['--set', 'lora.rank=8', '--set', 'factors.rationale=results', '--set', 'factors.hiddenRank=64'],
];

const at = process.argv.indexOf('--', 2);
const command = at < 0 ? [] : process.argv.slice(at + 1);
const { values, positionals } = parseArgs({
  args: process.argv.slice(2, at < 0 ? undefined : at),
  allowPositionals: true,
  options: {
    base: { type: 'string', default: BASE },
    runs: { type: 'string', default: '5' },
    what: { type: 'string', default: WHAT.join() },
  },
});
const runs = Number(values.runs);
const what = values.what.split(',');
const isCommand = command.length > 0;
if (
  !(Number.isInteger(runs) && runs > 0) ||
  isCommand !== positionals.length > 0 ||
  !positionals.every((one) => /^[^=]+=./.test(one)) ||
  !what.every((one) => (WHAT as readonly string[]).includes(one))
) {
  console.error(
    `usage: npm run bench:paired -- [--base commit] [--runs 5] [--what ${WHAT.join()}]\n       npm run bench:paired -- [--runs 5] name=checkout … -- command …`,
  );
  process.exit(2);
}

const report = (title: string, found: ReadonlyMap<string, readonly Times[]>): void =>
  console.log([`\n${title}`, ...summary(found), ''].join('\n'));

if (isCommand) {
  const checkouts = new Map(positionals.map((one) => one.split('=', 2) as [string, string]));
  report(
    command.join(' '),
    await inAlternation([...checkouts.keys()], runs, (name) => timed(checkouts.get(name) as string, command)),
  );
} else {
  const checkouts = new Map([
    [values.base, checkOut(values.base)],
    ['this', process.cwd()],
  ]);
  const before = join(checkouts.get(values.base) as string, 'models');
  const models = new Map([
    [values.base, before],
    ['this', modelsForToday(before)],
  ]);
  const scratch = mkdtempSync(join(tmpdir(), 'lori-paired-'));
  process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
  const labs = new Map<string, string>();
  if (what.some((one) => one !== 'first-run'))
    for (const [name, folder] of checkouts) labs.set(name, await buildLab(folder));
  const lab = (name: string, out: string, ...args: string[]): Times => {
    const where = ['--models', models.get(name) as string, '--out', out, '--quiet'];
    return timed(checkouts.get(name) as string, ['node', labs.get(name) as string, ...args, ...where]);
  };
  const measure: Record<string, (name: string) => Times | Promise<Times>> = {
    step(name) {
      const out = join(scratch, 'step.json');
      const { processor = Number.NaN } = lab(name, out, 'bench', ...SETTINGS);
      const { median, best } = JSON.parse(readFileSync(out, 'utf8')).millisecondsAStep;
      return { 'a step': median / 1000, 'the best step': best / 1000, 'processor of the command': processor };
    },
    lens(name) {
      const out = join(scratch, 'lens.json');
      const { processor = Number.NaN, clock = Number.NaN } = lab(name, out, 'lens', '--samples', '16');
      const { milliseconds } = JSON.parse(readFileSync(out, 'utf8')).lens;
      return {
        'the figure': milliseconds / 1000,
        'the command': clock,
        'processor of the command': processor,
      };
    },
  };
  const pages = new Map<string, string>();
  if (what.includes('first-run'))
    for (const [name, folder] of checkouts)
      pages.set(name, buildPage(folder, models.get(name) as string, name));
  measure['first-run'] = (name) => timeFirstRun(pages.get(name) as string);
  for (const one of what)
    report(one, await inAlternation([...checkouts.keys()], runs, measure[one] as (typeof measure)[string]));
}
