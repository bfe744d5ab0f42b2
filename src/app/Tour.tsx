import { median } from '../contract/statistics';
import { inHand, TOUR_TITLES } from './store/in-hand';
import { isActive } from './store/run';
import type { AppState, TourStep } from './store/state';
import { TOUR_STEPS } from './store/state';
import { isBusy } from './store/task';
import { useActions, useApp } from './store/use-app';
import { Button } from './ui/Button';
import { ErrorNotice } from './ui/ErrorNotice';
import { bytes, percent } from './ui/format';
import { Progress } from './ui/Progress';

/** What came out of a step, in a few words. */
function outcome(step: TourStep, { device, pair, lens, run, latents }: AppState): string {
  switch (step) {
    case 'device':
      return device.value?.provider === 'webgpu' ? 'WebGPU' : `WASM, ${device.value?.threads} threads`;
    case 'pair':
      return `2 models, ${bytes(pair.value?.models.reduce((sum, model) => sum + model.bytes, 0) ?? 0)}`;
    case 'spectra': {
      // Of the last report, which may be of another model by now.
      const { label, spectra } = lens.report.value?.selections[0] ?? { label: '', spectra: [] };
      const rank = median(spectra.map(({ energyRanks }) => energyRanks[2]));
      return `${label}: rank ${rank} of ${spectra[0]?.sigma.length} holds 95 %`;
    }
    case 'distil':
      return run.result?.heldOut
        ? `${percent(run.result.heldOut.share)}${run.result.teacher ? `; teacher ${percent(run.result.teacher.share)}` : ''}`
        : 'trained';
    case 'latents': {
      const { answer, question } = latents;
      return answer.value
        ? `answer ${answer.value.value ?? 'without a number'}${question.expected === null ? '' : `, expected ${question.expected}`}`
        : '';
    }
  }
}

const STATES = { done: '✓ done', busy: '… under way', failed: '✕ failed', waiting: '' } as const;

/** The first run: one button, everything in order. */
export function Tour() {
  const state = useApp((all) => all);
  const { tour, run } = state;
  const { task } = tour;
  const { startTour, cancelTour } = useActions();
  const running = isBusy(task);
  const [hand] = running ? inHand(state) : [];
  const wasCancelled = task.status === 'idle' && tour.step !== null;
  const stateOf = (step: TourStep) => {
    if (tour.done.includes(step)) return 'done';
    if (tour.step !== step) return 'waiting';
    return running ? 'busy' : 'failed';
  };
  const busyElsewhere = isActive(run);
  return (
    <section className="tour" aria-labelledby="tour-title">
      <div className="tour-head">
        <div>
          <h2 id="tour-title">See it work</h2>
          <p className="about">
            The hidden states of a teacher’s chain of thought are close to low rank. A student learns their
            leading directions from 128 samples and then answers without writing the steps down.
          </p>
        </div>
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
        </div>
      </div>
      <ol className="tour-steps">
        {TOUR_STEPS.map((step) => {
          const now = stateOf(step);
          return (
            <li key={step} className={now} aria-current={now === 'busy' ? 'step' : undefined}>
              <span className="tour-step">{TOUR_TITLES[step]}</span>
              <span className="tour-outcome">
                {now === 'done' ? `✓ ${outcome(step, state)}` : STATES[now]}
              </span>
            </li>
          );
        })}
      </ol>
      {running && tour.step && <Progress label={TOUR_TITLES[tour.step]} {...hand?.shown} />}
      <p className="visually-hidden" role="status">
        {task.status === 'done'
          ? 'The first run is done.'
          : wasCancelled
            ? 'The first run was cancelled.'
            : running && tour.step
              ? TOUR_TITLES[tour.step]
              : ''}
      </p>
      {wasCancelled && <p className="muted">Cancelled. What was finished stays; the button starts again.</p>}
      {task.status === 'failed' && tour.step && (
        <ErrorNotice title={`“${TOUR_TITLES[tour.step]}” did not succeed`} error={task.error}>
          <Button onPress={() => void startTour()}>Try again</Button>
        </ErrorNotice>
      )}
    </section>
  );
}
