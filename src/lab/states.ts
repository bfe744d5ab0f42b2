import type { StatesFormat, StatesRequest } from '../contract/states';
import type { Command } from './command';
import { countRows, numbers, openRows, sourceOf, spanOf } from './source';
import { oneSubject, openGiven, selectionsOf } from './subjects';

/** Hidden states as a .npy or safetensors file; by default of the opened checkpoint, or else of the teacher. */
export const states: Command = async ({
  workbench,
  config,
  samples,
  lens: given,
  kept,
  out,
  say,
  onEvent,
}) => {
  const format = /\.(npy|safetensors)$/.exec(out ?? '')?.[1] as StatesFormat | undefined;
  if (!format)
    throw new Error(
      `--out ${JSON.stringify(out ?? '')}; a file that ends in .npy or .safetensors is expected, which says what is written`,
    );
  const option = oneSubject(given, given.text.length > 0);
  const source = sourceOf(given, config.seed, samples);
  const layers = given.layers === undefined ? null : numbers('layers', given.layers);
  const span = spanOf(given);
  await openGiven(workbench, given, say);
  if (given.data.length > 0) await openRows(workbench, given, say);
  const [selection] = await selectionsOf(workbench, [option], config, { onEvent, kept, say });
  const { subject, sections } = selection as NonNullable<typeof selection>;
  if (given.data.length > 0) await countRows(workbench, subject, say);
  const request: StatesRequest = { source, subject, sections, layers, span, format };
  const { blob, ...described } = await workbench.exportStates(request, {
    report: ({ done, total }) => say(`${done} of ${total} samples`),
  });
  const [count, tokens, hidden] = described.shape;
  say(
    `${described.label} (${described.model}): ${count} layers of ${tokens} tokens, H ${hidden}; ${blob.size} bytes in ${(described.milliseconds / 1000).toFixed(2)} s`,
  );
  return { file: blob, states: { request, ...described } };
};
