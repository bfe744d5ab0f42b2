import { useEffect, useRef } from 'react';
import './tour.css';
import { inHand, TOUR_TITLES } from '../store/in-hand';
import { isActive } from '../store/run';
import { TOUR_STEPS, type TourStep } from '../store/state';
import { isBusy } from '../store/task';
import { useActions, useApp, useAppMade } from '../store/use-app';
import { Button } from '../ui/Button';
import { ErrorNotice } from '../ui/ErrorNotice';
import { Progress } from '../ui/Progress';
import { DistilFigure, LatentsFigure, SpectraFigure } from './figures';
import { outcome } from './outcome';

const EXPLANATIONS: Readonly<Record<TourStep, string>> = {
  device: 'WebGPU if the browser offers it and there is a graphics card, otherwise WASM (WebAssembly).',
  pair: 'A base model of a million parameters, and the teacher fine-tuned from it to reason in explicit steps.',
  spectra:
    'The teacher writes out its steps. Stack the hidden states of those tokens into one matrix per problem and decompose it: how many directions hold the energy?',
  distil:
    'A student learns from 128 problems to match the moments of the teacher’s states inside that subspace, in place of writing the steps down.',
  latents:
    'The student answers a problem it has not seen. Each latent thought is decoded through the model’s own head; the teacher’s explicit chain of thought stands beside it.',
};

const FIGURES: Partial<Record<TourStep, () => React.ReactNode>> = {
  spectra: SpectraFigure,
  distil: DistilFigure,
  latents: LatentsFigure,
};

/** The guided run: one button runs all steps in order, each shown with its outcome. */
export function TourPanel() {
  const tour = useApp((state) => state.tour);
  const busyElsewhere = useApp((state) => isActive(state.run));
  const { task } = tour;
  const { startTour, cancelTour } = useActions();
  const running = isBusy(task);
  const wasCancelled = task.status === 'idle' && tour.step !== null;
  return (
    <div className="place tour">
      <section className="tour-intro" aria-labelledby="tour-title">
        <h2 id="tour-title">Reasoning without writing it down</h2>
        <p>
          The hidden states of a teacher’s chain of thought are close to low rank. A student can learn their
          leading directions from 128 samples, and then answer without writing the steps down. This run shows
          all of it, computed in your browser, in under a minute.
        </p>
        <div className="actions">
          {running ? (
            <Button isDisabled={task.status === 'cancelling'} onPress={cancelTour}>
              {task.status === 'cancelling' ? 'Cancelling …' : 'Cancel'}
            </Button>
          ) : (
            <Button look="primary" isDisabled={busyElsewhere} onPress={() => void startTour()}>
              {task.status === 'done' ? 'Run it again' : 'Run LoRi on 128 samples'}
            </Button>
          )}
          <p role="status" className="muted">
            {task.status === 'done' && 'The guided run is done.'}
            {wasCancelled && 'Cancelled. Finished steps are kept; the button starts again.'}
            {running && tour.step && <span className="visually-hidden">{TOUR_TITLES[tour.step]}</span>}
          </p>
        </div>
      </section>
      <ol className="tour-steps">
        {TOUR_STEPS.map((step, index) => (
          <TourItem key={step} step={step} number={index + 1} />
        ))}
      </ol>
    </div>
  );
}

function TourItem({ step, number }: { readonly step: TourStep; readonly number: number }) {
  const tour = useApp((state) => state.tour);
  const told = useApp((state) => (state.tour.done.includes(step) ? outcome(step, state) : ''));
  const [hand] = useAppMade((state) => (state.tour.step === step ? inHand(state) : []));
  const preset = useApp((state) => state.presets[0]?.name);
  const { startTour } = useActions();
  const { task } = tour;
  const running = isBusy(task);
  const isHere = tour.step === step;
  const state = tour.done.includes(step)
    ? 'done'
    : !isHere
      ? 'waiting'
      : running
        ? 'busy'
        : task.status === 'failed'
          ? 'failed'
          : 'waiting';
  const Figure = FIGURES[step];
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    // Scrolls along with the run, no further than needed.
    if (state === 'busy') item.current?.scrollIntoView({ block: 'nearest' });
  }, [state]);
  return (
    <li ref={item} className={`tour-step ${state}`} aria-current={state === 'busy' ? 'step' : undefined}>
      <span className="tour-number" aria-hidden="true">
        {state === 'done' ? '✓' : number}
      </span>
      <div className="tour-body">
        <h3>{TOUR_TITLES[step]}</h3>
        <p className="about">
          {EXPLANATIONS[step]}
          {step === 'distil' && ` The preset is “${preset}”.`}
        </p>
        {state === 'busy' && <Progress label={hand?.phase ?? 'Running'} {...hand?.shown} />}
        {state === 'done' && <p className="tour-outcome">{told}</p>}
        {state === 'failed' && <p className="tour-outcome">✕ failed</p>}
        {task.status === 'failed' && isHere && (
          <ErrorNotice title={`“${TOUR_TITLES[step]}” failed`} error={task.error}>
            <Button onPress={() => void startTour()}>Try again</Button>
          </ErrorNotice>
        )}
        {Figure && (state === 'done' || state === 'busy') && <Figure />}
      </div>
    </li>
  );
}
