import type { GenerateReport, GenerateRequest } from '../../../contract/generate';
import type { LiveGeneration } from '../../store/generation';

/** The settings in a few words: `τ 0.8, top-k 50, top-p 0.95, seed 1`. */
export function settingsWords({ settings }: GenerateRequest): string {
  const { temperature, topK, topP, seed } = settings;
  if (temperature === 0) return 'greedy';
  return [
    `τ ${temperature}`,
    ...(topK > 0 ? [`top-k ${topK}`] : []),
    ...(topP < 1 ? [`top-p ${topP}`] : []),
    `seed ${seed}`,
  ].join(', ');
}

export function aboutSentence(live: LiveGeneration, report: GenerateReport | null): string {
  const { request, prompt } = live;
  const name = (label: string) => (label === 'opened' ? 'opened model' : label);
  const who = report === null ? name(request.subject.kind) : `${name(report.label)} (${report.model})`;
  const read = prompt.length === 0 ? '' : `, ${prompt.length} tokens of prompt`;
  const alike =
    request.settings.temperature === 0 && request.settings.samples > 1
      ? ' All samples are the same at temperature 0.'
      : '';
  return `By the ${who}, ${settingsWords(request)}${read}.${alike}`;
}
