import type { ReactNode } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { readSeeds } from '../../../contract/arena';
import type { DataReport } from '../../../contract/data';
import { GENERATE_SETTINGS } from '../../../contract/generate';
import { heldOutError, initialArena } from '../../store/arena';
import { dataErrors, initialDataDraft } from '../../store/data';
import { answersError, initialAnswers } from '../../store/data-answers';
import { generationErrors, initialGenerationDraft } from '../../store/generation';
import { hubRowsError, initialHubData } from '../../store/hub-data';
import { openApp } from '../../store/open-app.testing';
import { readRange } from '../../store/ranges';
import { AppProvider } from '../../store/use-app';
import { ArenaForm } from '../arena/ArenaForm';
import { AnswersCard } from '../data/AnswersCard';
import { DrawForm } from '../data/DrawForm';
import { HubRows } from '../data/HubRows';
import { RequestCard } from '../generate/RequestCard';

/** What the fields of a part of the page say, by label. */
function fieldsOf(part: ReactNode): ReadonlyMap<string, string> {
  const html = renderToStaticMarkup(<AppProvider value={openApp()}>{part}</AppProvider>);
  const plain = (text = '') => text.replaceAll(/<[^>]*>/g, '').trim();
  return new Map(
    [...html.matchAll(/<label[^>]*>(.*?)<\/label>(.*?)(?=<label|$)/gs)]
      .filter(([, , rest]) => /<input[^>]*inputMode="decimal"/i.test(rest ?? ''))
      .map(([, label, rest]) => [plain(label?.replace(/<span class="katex.*/s, '')), plain(rest)]),
  );
}

/** A field: whether a number is refused in it, its unit, and its default. */
type Field = readonly [isRefused: (value: number) => boolean, unit: string | null, usual: number];

const report = { rule: 'gsm8k', rows: 3 } as DataReport;
const arena = { contenders: [], seeds: [1], baseline: '', runs: [] };
const draw =
  (field: 'samples' | 'heldOut' | 'seed') =>
  (value: number): boolean =>
    dataErrors({ ...initialDataDraft, [field]: value }).has(field);
const FORMS: readonly (readonly [string, ReactNode, Readonly<Record<string, Field>>])[] = [
  [
    'Data, the draw',
    <DrawForm key="draw" />,
    {
      Sample: [draw('samples'), 'rows', initialDataDraft.samples],
      'Held out': [draw('heldOut'), 'rows', initialDataDraft.heldOut],
      Seed: [draw('seed'), null, initialDataDraft.seed],
    },
  ],
  [
    'Data, answers',
    <AnswersCard key="answers" report={report} />,
    { 'Length limit': [(limit) => answersError({ limit }) !== null, 'tokens', initialAnswers.limit] },
  ],
  [
    'Data, rows of the Hub',
    <HubRows key="hub" />,
    {
      'Rows, from the first': [
        (count) => hubRowsError({ ...initialHubData.rows, rows: count }) !== null,
        'rows',
        200,
      ],
    },
  ],
  [
    'Arena',
    <ArenaForm key="arena" arena={arena} left={0} leftKept={0} />,
    { 'Held-out problems': [(count) => heldOutError(count) !== null, 'problems', initialArena.heldOut] },
  ],
  [
    'Generate',
    <RequestCard key="generate" />,
    Object.fromEntries(
      GENERATE_SETTINGS.map(({ label, path, unit, default: usual }): [string, Field] => [
        label,
        [
          (value) =>
            generationErrors({
              ...initialGenerationDraft,
              settings: { ...initialGenerationDraft.settings, [path]: value },
            }).has(path),
          unit ?? null,
          usual as number,
        ],
      ]),
    ),
  ],
];

describe.each(FORMS)('%s', (_, part, expected) => {
  const fields = fieldsOf(part);

  it('has these fields for numbers, each with unit, range and default', () => {
    expect([...fields.keys()]).toEqual(Object.keys(expected));
  });

  it.each(Object.entries(expected))(
    '%s: the range that is stated is the one that is enforced',
    (label, field) => {
      const [isRefused, unit, usual] = field;
      const text = fields.get(label) ?? '';
      const said =
        /Range: (more than )?(\S+?)(?: to |, at most | (?=or more))(\S+?|or more)(?:, without a unit| (\w+))\. Default: (\S+?)\.(?!\d)/.exec(
          text,
        );
      expect(said, text).not.toBeNull();
      const [, above, low, high, named, stated] = said as RegExpExecArray;
      expect([named ?? null, Number(stated)]).toEqual([unit, usual]);
      expect([isRefused(usual), isRefused(Number(low))]).toEqual([false, above !== undefined]);
      expect(isRefused(Number(low) - 1)).toBe(true);
      if (high === 'or more') return;
      expect([isRefused(Number(high)), isRefused(Number(high) + 1)]).toEqual([false, true]);
    },
  );
});

describe('numbers in texts', () => {
  const html = (part: ReactNode) => renderToStaticMarkup(<AppProvider value={openApp()}>{part}</AppProvider>);

  it('seeds of the Arena', () => {
    const [, low, high, usual] =
      /at most 100 seeds\..*? Range: (\d+) to (\d+), without a unit\. Default: (\S+)\./.exec(
        html(<ArenaForm arena={arena} left={0} leftKept={0} />),
      ) ?? [];
    expect(usual).toBe(initialArena.seeds);
    expect(readSeeds(`${low} ${high}`)).toEqual({ seeds: [Number(low), Number(high)], error: null });
    expect(readSeeds(`${Number(high) + 1}`).error).toContain(`from ${low} to ${high}`);
    expect([readSeeds('1-100').error, readSeeds('1-101').error]).toEqual([null, expect.any(String)]);
  });

  it('ranges of Data', () => {
    const [, low, high] =
      /whole numbers from (\d+) to (\d+); empty/.exec(html(<DrawForm />).replaceAll(/<!-- -->|\n\s*/g, '')) ??
      [];
    expect(readRange(`${low}-${high}`).error).toBeNull();
    expect(readRange(`-${Number(high) + 1}`).error).not.toBeNull();
  });
});
