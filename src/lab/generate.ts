import type { GenerateReport, GenerateRequest } from '../contract/generate';
import type { Selection } from '../contract/lens';
import { parseGenerateRequest } from '../engine/session/generate/request';
import type { Command } from './command';
import { decimal, whole } from './options';
import { oneSubject, openGiven, selectionsOf } from './subjects';

/** Continues a prompt; by default the teacher, or the opened checkpoint, greedily. */
export const generate: Command = async ({
  workbench,
  config,
  generation: given,
  kept,
  say,
  write,
  onEvent,
}) => {
  const option = oneSubject(given, true);
  const [problem] = given.prompt === undefined ? await workbench.problems('held-out', 0, 1) : [];
  const request = (subject: Selection['subject']): GenerateRequest => ({
    subject,
    prompt: given.prompt ?? problem?.question ?? '',
    ...(given.template !== undefined && { template: given.template }),
    stop: given.stop,
    settings: {
      temperature: decimal('temperature', given.temperature),
      topK: whole('top-k', given['top-k']),
      topP: decimal('top-p', given['top-p']),
      seed: whole('seed', given.seed),
      samples: whole('continuations', given.continuations),
      limit: whole('limit', given.limit),
    },
  });
  // Checked now rather than after the run that trains the student.
  parseGenerateRequest(request({ kind: 'teacher' }));
  await openGiven(workbench, given, say);
  const [selection] = await selectionsOf(workbench, [option], config, { onEvent, kept, say });
  const asked = request((selection as Selection).subject);
  const isAlone = asked.settings.samples === 1;
  say(asked.prompt);
  const report: GenerateReport = await workbench.generate(asked, {
    report: (event) => {
      // Several samples at once cannot be read as they arrive.
      if (isAlone && 'kind' in event && event.kind !== 'prompt') write(event.text);
    },
  });
  if (isAlone) say('');
  report.samples.forEach(({ text, tokens, ending }, i) => {
    if (!isAlone) say(`--- sample ${i + 1}\n${text}`);
    say(`${isAlone ? '' : `sample ${i + 1}: `}${tokens.length} tokens; ended by ${ENDINGS[ending]}`);
  });
  const { compile, first } = report.seconds;
  say(
    `${report.prompt.length} tokens read; ${compile.toFixed(2)} s of compiling, ${first.toFixed(2)} s to the first token, then ${report.tokensPerSecond?.toFixed(1) ?? 'no'} tokens/s`,
  );
  return { generation: report };
};

const ENDINGS: Readonly<Record<GenerateReport['samples'][number]['ending'], string>> = {
  end: 'an end token',
  stop: 'a stop string',
  limit: 'the length limit',
  positions: 'the last position of the model',
};
