import type { Calibration, StoppingSummary } from '../../../../contract/stopping';
import type { LineSeries } from '../../../charts/series';

/** Accuracy and mean probability of stopping, by number of thoughts, and accuracy as it stops itself. */
export function byThoughtsLines({ byThoughts, own }: StoppingSummary): LineSeries[] {
  const x = byThoughts.map(({ thoughts }) => thoughts);
  return [
    {
      ...{ name: 'right if all stopped there', x, look: { colour: 0, marker: 0 }, legend: true },
      y: byThoughts.map(({ accuracy }) => accuracy.share),
      low: byThoughts.map(({ accuracy }) => accuracy.low),
      high: byThoughts.map(({ accuracy }) => accuracy.high),
    },
    {
      ...{ name: 'mean probability of stopping', x, look: { colour: 1, dash: 1, marker: 1 }, legend: true },
      y: byThoughts.map(({ probability }) => probability),
    },
    {
      ...{ name: 'right as it stops itself', reference: true, legend: true },
      x: [0, x.at(-1) ?? 0],
      y: [own.share, own.share],
    },
  ];
}

/** Share right against probability, bin by bin, and the diagonal of a calibrated head. */
export function calibrationLines({ bins }: Calibration): LineSeries[] {
  const used = bins.filter(({ count }) => count > 0);
  return [
    {
      ...{ name: 'decisions', points: true, look: { marker: 0 }, legend: true },
      x: used.map(({ probability }) => probability),
      y: used.map(({ happened }) => happened.share),
      low: used.map(({ happened }) => happened.low),
      high: used.map(({ happened }) => happened.high),
    },
    { name: 'calibrated', x: [0, 1], y: [0, 1], reference: true, legend: true },
  ];
}
