import { describe, expect, it } from 'vitest';
import { type Arena, formatArena, type KeptContender, readArenaFile, standings } from './arena';
import { arenaOf } from './arena.testing';
import { axisPoints, offAxis } from './arena-axis';
import { knownRows, otherRows, otherTerms, remainingKept, requestOfKept, rowOfKept } from './arena-kept';
import { arenaSentence, COLUMNS, keptSentence, markdownOf, rowsOf } from './arena-table';
import { parseRunConfig } from './config';
import type { EvaluatedItem } from './evaluation';

const config = parseRunConfig({});
const on = (roles: object, data: object = {}) =>
  parseRunConfig({ roles: { student: 'bundled', teacher: 'self', data: 'bundled', ...roles }, data });

const kept = (name: string, seed: number): KeptContender => ({ name, run: `run of ${name}`, seed });
const items = (right: number, wrong: number, thoughts = 2): EvaluatedItem[] =>
  Array.from({ length: right + wrong }, (_, i) => ({
    ...{ id: `held-out-${i}`, question: 'How many?', steps: 1, answer: '1', text: '1', value: '1' },
    ...{ right: i < right, thoughts, tokens: 2, milliseconds: null },
  }));

/** Two contenders on six seeds, and kept students: of a seed of the plan, of another, refused, and not asked yet. */
const base = arenaOf({ base: 0.5, good: 0.8 }, 'base');
const arena: Arena = {
  ...base,
  kept: [kept('mine', 3), kept('afar', 77), kept('gone', 5), kept('late', 6)],
  runs: [
    ...base.runs,
    rowOfKept({ ...kept('mine', 3), trainable: 98 }, { items: items(9, 1), milliseconds: 50 }),
    rowOfKept(kept('afar', 77), { items: items(1, 9), milliseconds: 50 }),
    { name: 'gone', seed: 5, failed: 'its run is not kept' },
  ],
};
const found = standings(arena);
const row = (name: string) => rowsOf(found).find(([first]) => first === name);

describe('kept students in an arena', () => {
  it('are asked once, and go through its file', () => {
    expect(remainingKept(arena).map(({ name }) => name)).toEqual(['late']);
    expect(readArenaFile(formatArena(arena)).arena).toEqual(JSON.parse(JSON.stringify(arena)));
    const file = JSON.parse(formatArena(arena));
    const other = (change: object) => JSON.stringify({ ...file, ...change });
    expect(() => readArenaFile(other({ kept: [kept('good', 3)] }))).toThrow(
      'kept.0.name: "good" occurs twice',
    );
    // What others are compared with has every seed.
    expect(() => readArenaFile(other({ baseline: 'mine' }))).toThrow('"mine" is not among the contenders');
    expect(() => readArenaFile(other({ kept: [{ name: 'x', run: 'y' }] }))).toThrow(/^kept\.0\.seed: /);
  });

  it('have figures of the one seed that they were trained on, whether or not the plan has it', () => {
    expect(found.map(({ name, accuracy }) => [name, accuracy.size])).toEqual([
      ...[['base', 6] as const, ['good', 6] as const],
      ...[['mine', 1] as const, ['afar', 1] as const, ['gone', 0] as const, ['late', 0] as const],
    ]);
    expect(found[2]?.overSeeds).toMatchObject({ n: 1, median: 0.9, medianInterval: null });
    expect(found[2]).toMatchObject({ trainable: 98, reasoning: 2, answerMilliseconds: 5 });
    expect(row('mine')?.slice(1, 8)).toEqual([
      ...['kept student, trained on seed 3', '90.0 %', null, '+39.7', null, '2.00', '5.00'],
    ]);
    expect(row('afar')?.slice(1, 6)).toEqual([
      ...['kept student, trained on seed 77', '10.0 %', null, 'not compared', null],
    ]);
    expect(row('gone')?.slice(1, 6)).toEqual(['kept student, trained on seed 5', null, null, null, null]);
    expect(row('gone')?.at(-1)).toBe(1);
  });

  it('are paired with the baseline’s run of their seed, and change no test of the others', () => {
    expect(found[2]?.against).toMatchObject({ n: 1, interval: null, p: null });
    expect(found[2]?.against?.difference).toBeCloseTo(0.9 - 0.503, 12);
    expect(found[3]?.against).toBeNull();
    expect(found.slice(0, 2)).toEqual(standings(base));
    expect(arenaSentence(arena, found)).toBe('Above base on the same seeds: good.');
  });

  it('are paired with runs of the plan’s seeds only: what the table does not show is not subtracted', () => {
    const run = { name: 'base', seed: 77, correct: 600, total: 1000 };
    const more = { ...arena, runs: [...arena.runs, run] };
    const afar = (of: Arena) => standings(of).find(({ name }) => name === 'afar')?.against;
    expect(afar(more)).toBeNull();
    expect(keptSentence(more, standings(more))).toContain(
      'base has no run on their seed among the arena’s seeds: afar (seed 77).',
    );
    expect(afar({ ...more, seeds: [...more.seeds, 77] })?.difference).toBeCloseTo(0.1 - 0.6, 12);
  });

  it('are said to have no interval, and why, by name', () => {
    const said = keptSentence(arena, found);
    expect(said).toContain('on one seed: there is no interval over seeds and no test of it.');
    expect(said).toContain(
      'Not compared, since base has no run on their seed among the arena’s seeds: afar (seed 77).',
    );
    expect(said).toContain('Not answered yet: late.');
    expect(said).toContain('Not set beside the others: gone (its run is not kept).');
    expect(keptSentence(base, standings(base))).toBe('');
    const lines = markdownOf(found, said).trim().split('\n');
    expect(lines.at(-1)).toBe(said);
    for (const line of lines.slice(0, -2)) expect(line.split(/(?<!\\)\|/)).toHaveLength(COLUMNS.length + 2);
  });

  it('have no place on an ablation’s axis, which is said', () => {
    const axis = { ablation: 'x', label: 'K', measure: 'accuracy', places: { base: 0, good: 1 } } as const;
    expect(axisPoints({ ...arena, axis }).map(({ name }) => name)).toEqual(['base', 'good']);
    expect(offAxis({ ...arena, axis })).toBe(
      'Not shown, since there is no value of “K” for them: mine, afar, gone, late.',
    );
    expect(offAxis({ ...arena, axis: { ...axis, places: undefined } })).toContain('mine, afar');
    expect(offAxis(arena)).toBe('');
  });
});

describe('what a kept student is asked', () => {
  it('is what a run’s student is: the held-out problems, by its rule, as it was trained to answer', () => {
    expect(requestOfKept({ ...config, data: { ...config.data, heldOut: 30 } })).toMatchObject({
      ...{ subject: { kind: 'student' }, mode: 'own', problems: 30, rule: 'set', together: 50 },
      source: { kind: 'held-out' },
    });
    expect(requestOfKept(on({ data: 'opened' }, { split: 9 }))).toMatchObject({
      source: { kind: 'rows', seed: 9 },
    });
  });

  it('is not asked of a student on another base, or of other data', () => {
    expect(otherTerms(on({}), on({}))).toBeNull();
    expect(otherTerms(on({ student: 'opened' }), on({}))).toBe(
      'it was trained on an opened model, the contenders on the bundled base',
    );
    expect(otherTerms(on({}), on({ data: 'opened' }))).toBe(
      'it was trained on the bundled problems, the contenders on rows of a data set',
    );
  });

  it('is not asked on rows that it was trained on, or of which that is not known', () => {
    const data = (over: object = {}) => ({
      ...{ name: 'rows.jsonl', sha256: 'a', rule: 'gsm8k' as const, leftOut: 0, leftOutRows: [], notes: [] },
      ...{ training: ['1', '2'], validation: ['3'], heldOut: ['4', '5'], ...over },
    });
    expect(knownRows(data(), data())).toBeNull();
    expect(knownRows(undefined, data())).toMatch(/did not end/);
    expect(knownRows(data({ sha256: 'b' }), data())).toMatch(
      /rows of rows\.jsonl, the contenders on rows of/,
    );
    expect(knownRows(data({ training: ['4'] }), data())).toMatch(/^1 of the 2 held-out rows/);
    expect(knownRows(data({ validation: ['5'], training: ['4'] }), data())).toMatch(/^2 of the 2/);
    expect(otherRows(items(1, 1), { heldOut: ['held-out-0', 'held-out-1'] })).toBeNull();
    expect(otherRows(items(1, 1), { heldOut: ['held-out-0', 'x'] })).toMatch(/^1 of the 2 rows/);
  });
});
