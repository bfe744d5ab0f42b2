import type { Band, ControlSpectra, LensReport, Spectrum } from '../../../contract/lens';
import type { LineSeries } from '../../charts/series';
import { countsOf, medianCurve } from './statistics';
import { CONTROL_WORDS } from './words';

type CurveOf = (spectrum: Spectrum) => ArrayLike<number>;

/** Selections have the first two styles, controls the following ones. */
const CONTROL_LOOK = 2;

/** One faint line per matrix, their median with its band, the second selection and the controls beside it. */
export function spectrumLines(
  { selections, controls }: Pick<LensReport, 'selections' | 'controls'>,
  curveOf: CurveOf,
  bandOf: (bands: { readonly cumulative: Band; readonly decay: Band }) => Band,
): LineSeries[] {
  const lines = selections.flatMap(({ label, spectra, bands }, index): LineSeries[] => {
    const look = { colour: index, dash: index };
    const single = spectra.length === 1;
    const each = spectra.map(
      (spectrum): LineSeries => ({
        name: selections.length > 1 || single ? `${label}, ${spectrum.label}` : spectrum.label,
        x: countsOf(curveOf(spectrum)),
        y: curveOf(spectrum),
        weight: single ? 'strong' : 'faint',
        key: spectrum.label,
        about: spectrum.about,
        look,
        legend: single,
      }),
    );
    if (single) return each;
    const band = bands && bandOf(bands);
    const y = band?.median ?? medianCurve(spectra.map(curveOf));
    return [
      ...each,
      {
        name: `${label}, median`,
        x: countsOf(y),
        y,
        ...(band && { low: band.low, high: band.high, interval: 'area' as const }),
        weight: 'strong',
        look,
        legend: true,
      },
    ];
  });
  return [...lines, ...controls.map((control, i) => controlLine(control, curveOf, i))];
}

function controlLine(control: ControlSpectra, curveOf: CurveOf, index: number): LineSeries {
  const y = medianCurve(control.spectra.map(curveOf));
  const look = CONTROL_LOOK + index;
  return {
    name: `${CONTROL_WORDS[control.control].of}, median`,
    x: countsOf(y),
    y,
    look: { colour: look, dash: look, marker: look },
    legend: true,
  };
}
