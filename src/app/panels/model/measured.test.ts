import { expect, it } from 'vitest';
import manifest from '../../../../models/manifest.json';
import { measuredTable } from './measured';

it('has a row for each number of steps and a column for what was measured', () => {
  const measured = [
    { what: 'accuracy, written', value: '90 %' },
    { what: 'accuracy, written, 1 step', value: '99 %' },
    { what: 'accuracy, at once, 1 step', value: '50 %' },
    { what: 'accuracy, at once, 12 steps', value: '1 %' },
  ];
  expect(measuredTable(measured)).toEqual({
    measure: 'accuracy',
    columns: ['Problems of', 'written', 'at once'],
    rows: [
      ['all', '90 %', null],
      ['1 step', '99 %', '50 %'],
      ['12 steps', null, '1 %'],
    ],
  });
  const more = [...measured, { what: 'seconds, written, 1 step', value: '2 s' }];
  expect(measuredTable(more)).toMatchObject({
    measure: '',
    columns: ['Problems of', 'accuracy, written', 'accuracy, at once', 'seconds, written'],
  });
  expect(measuredTable(measured.slice(0, 1))).toBeNull();
  expect(measuredTable([])).toBeNull();
});

it('leaves out no figure of the bundled pair', () => {
  for (const { measured } of [manifest.base, manifest.teacher]) {
    const cells = measuredTable(measured)?.rows.flatMap((row) => row.slice(1));
    expect(cells?.toSorted()).toEqual(measured.map(({ value }) => value).toSorted());
  }
});
