import { summaryOf } from '../panels/lowrank/statistics';
import type { AppState, TourStep } from '../store/state';
import { bytes, percent } from '../ui/format';

/** A step's outcome in a few words. */
export function outcome(step: TourStep, { device, pair, lens, run, latents }: AppState): string {
  switch (step) {
    case 'device':
      return device.value?.provider === 'webgpu'
        ? 'Runs on WebGPU'
        : `Runs on WASM, ${device.value?.threads} ${device.value?.threads === 1 ? 'thread' : 'threads'}`;
    case 'pair':
      return `2 models, ${bytes(pair.value?.models.reduce((sum, model) => sum + model.bytes, 0) ?? 0)}`;
    case 'spectra': {
      // From the last report, which may describe another model by now.
      const { label, spectra } = lens.report.value?.selections[0] ?? { label: '', spectra: [] };
      const { rank95, possible } = summaryOf(spectra);
      return `${label}: rank ${rank95} of ${possible} holds 95 % of the energy (median of ${spectra.length})`;
    }
    case 'distil': {
      const { heldOut, teacher } = run.result ?? {};
      if (!heldOut) return 'Trained';
      return `Held-out accuracy ${percent(heldOut.share)}${teacher ? `; teacher ${percent(teacher.share)}` : ''}`;
    }
    case 'latents': {
      const { answer, question } = latents;
      if (!answer.value) return '';
      return `Student’s answer ${answer.value.value ?? 'without a number'}${question.expected === null ? '' : `, expected ${question.expected}`}`;
    }
  }
}
