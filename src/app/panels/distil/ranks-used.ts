import { settingsOf } from '../../../contract/config';
import type { RunResult } from '../../../contract/events';
import { METHODS, methodOf } from '../../../contract/methods/index';
import type { Methods } from '../../../contract/methods/method';
import { valueAt } from '../../../contract/settings';

/** Requested ranks that were reduced, one line each. */
export function ranksUsed(
  { config, ranksUsed: used = {} }: Pick<RunResult, 'config' | 'ranksUsed'>,
  methods: Methods = METHODS,
): string[] {
  const settings = settingsOf(methodOf(config.method, methods)).flatMap((group) => group.settings);
  return Object.entries(used).map(([path, rank]) => {
    const label = settings.find((setting) => setting.path === path)?.label ?? path;
    return `${label}: ${rank} used of ${String(valueAt(config, path))} requested`;
  });
}
