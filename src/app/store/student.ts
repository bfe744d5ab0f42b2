import type { RunConfig } from '../../contract/config';
import type { StudentReport } from '../../contract/events';
import { METHODS } from '../../contract/methods/index';
import type { Methods } from '../../contract/methods/method';
import { nameConfig } from '../../contract/presets';

/** The student of a run, for an engine that does not describe it itself. */
export const studentOf = (
  id: string,
  config: RunConfig,
  step: number,
  methods: Methods = METHODS,
): StudentReport => {
  const { name, differs } = nameConfig(config, methods);
  return { id, label: name, differs, step };
};

const MAX_SHOWN = 3;
const last = (path: string) => path.split('.').at(-1) as string;

/** One line that tells it from other students: preset, what differs from it, and step. */
export function studentLine({ label, differs, step }: StudentReport): string {
  const shown = differs
    .slice(0, MAX_SHOWN)
    .map(([path, value]) => `${last(path)} ${typeof value === 'object' ? JSON.stringify(value) : value}`);
  const more = differs.length - shown.length;
  return [label, ...shown, ...(more > 0 ? [`${more} more changed`] : []), `step ${step}`].join(', ');
}
