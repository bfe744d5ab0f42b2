import { useMemo } from 'react';
import { LineChart } from '../../charts/LineChart';
import { useHoverLink } from '../../charts/link';
import type { Mark } from '../../charts/marks';
import type { RunState } from '../../store/run';
import { useTheme } from '../../store/use-app';
import { cosineLines, observationSentence, rankLines } from './observation';

type Observed = RunState['series']['spectra'][number];

/** The student's latents while it learns: how many directions they have, and how similar they are. */
export function ObservationCharts({
  spectra,
  samples,
  marks,
}: {
  /** Where stages of the run begin. */
  readonly marks: readonly Mark[];
  readonly spectra: readonly Observed[];
  /** Number of observed samples, if known. */
  readonly samples: number | null;
}) {
  const theme = useTheme();
  const link = useHoverLink();
  const ranks = useMemo(() => rankLines(spectra), [spectra]);
  const cosine = useMemo(() => cosineLines(spectra), [spectra]);
  if (spectra.length === 0) return null;
  const about =
    samples === null
      ? ''
      : `Medians over ${samples} training samples, all layers and latent steps of a sample as one matrix. `;
  const source = samples === null ? '' : `${samples} training samples of the run`;
  return (
    <section aria-labelledby="observed-title" className="observed">
      <h4 id="observed-title">The student’s latents</h4>
      <p className="about">
        {about}
        {observationSentence(spectra)}
      </p>
      <div className="columns-2">
        <LineChart
          title="Ranks of the latents"
          summary="1 is collapse: all thoughts in one direction."
          source={source}
          series={ranks}
          x={{ label: 'step' }}
          y={{ label: 'rank' }}
          scale="linear"
          theme={theme}
          marks={marks}
          height={240}
          fileName="latent-ranks"
          link={link}
        />
        <LineChart
          title="Mean cosine between latents"
          summary="Between two latents of a sample at the last layer; 1 is collapse."
          source={source}
          series={cosine}
          x={{ label: 'step' }}
          y={{ label: 'mean cosine', range: [-0.1, 1.02] }}
          theme={theme}
          marks={marks}
          height={240}
          fileName="latent-cosine"
          link={link}
        />
      </div>
    </section>
  );
}
