import { useState } from 'react';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { NumberField } from '../../ui/Field';
import { Formula } from '../../ui/Formula';
import { Empty, Panel } from '../../ui/Panel';
import { Progress } from '../../ui/Progress';
import { SpectraView } from './SpectraView';

const MOST_SAMPLES = 128;

/** Figure 6: the teacher's hidden states of a chain of thought have few directions. */
export function LowRankPanel() {
  const spectra = useApp((state) => state.spectra);
  const pair = useApp((state) => state.pair);
  const samples = useApp((state) => state.settings.spectraSamples);
  const training = useApp((state) => state.run.status === 'running');
  const { runSpectra, cancelSpectra, changeSettings } = useActions();
  const [typed, setTyped] = useState<number | null>(null);
  const count = typed ?? samples;
  const valid = Number.isInteger(count) && count >= 1 && count <= MOST_SAMPLES;
  const go = () => {
    changeSettings({ spectraSamples: count });
    void runSpectra(count);
  };
  return (
    <div className="place with-side">
      <div className="side">
        <Panel
          title="Teacher’s hidden states"
          about="Each sample’s rationale is fed to the teacher; the states of all its tokens in all blocks are stacked into one matrix and decomposed."
        >
          <NumberField
            label="Samples"
            tex="B"
            value={count}
            onChange={setTyped}
            error={valid ? undefined : `Choose a whole number from 1 to ${MOST_SAMPLES}.`}
          />
          <Button look="primary" isDisabled={!valid || spectra.status === 'busy' || training} onPress={go}>
            Decompose
          </Button>
          {training && <p className="help">The engine is training. Pause or stop the run first.</p>}
        </Panel>
        <Panel title="What is drawn">
          <Formula
            display
            tex="H = \operatorname{stack}_{n,\ell}\, h_{n\ell}^\top \in \mathbb{R}^{NL\times H}"
          />
          <Formula
            display
            tex="H = U\,\operatorname{diag}(\sigma)\,V^\top,\quad \sigma_1\ge\sigma_2\ge\dots"
          />
          <Formula display tex="c_r = \textstyle\sum_{i\le r}\sigma_i \big/ \sum_i \sigma_i" />
          <p className="help">
            <Formula tex="N" /> tokens of the rationale, <Formula tex="L" /> blocks, hidden size{' '}
            <Formula tex="H" />. The effective rank is the exponential of the entropy of{' '}
            <Formula tex="\sigma_i/\sum\sigma" />; the stable rank is{' '}
            <Formula tex="\sum\sigma_i^2/\sigma_1^2" />. Energy is <Formula tex="\sum\sigma_i^2" />.
          </p>
        </Panel>
      </div>
      <div className="main">
        {spectra.status === 'busy' && (
          <Progress
            label={pair.status === 'ready' ? 'Decomposing hidden states' : 'Loading the pair first'}
            {...spectra.progress}
            onCancel={cancelSpectra}
            cancelLabel="Cancel decomposition"
          />
        )}
        {spectra.status === 'failed' && (
          <ErrorNotice title="The hidden states were not decomposed" error={spectra.error}>
            <Button onPress={go}>Try again</Button>
          </ErrorNotice>
        )}
        {spectra.value ? (
          <SpectraView report={spectra.value} />
        ) : (
          spectra.status !== 'busy' && (
            <Empty>Nothing is decomposed yet. Choose how many samples and press Decompose.</Empty>
          )
        )}
      </div>
    </div>
  );
}
