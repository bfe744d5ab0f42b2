import type { RunConfig } from '../../contract/config';
import type { StudentReport } from '../../contract/events';
import { METHODS } from '../../contract/methods/index';
import type { Methods } from '../../contract/methods/method';
import { labelOf, nameConfig } from '../../contract/presets';

/** The student of a run in progress, which the engine has not described yet. */
export const studentOf = (
  id: string,
  config: RunConfig,
  step: number,
  methods: Methods = METHODS,
): StudentReport => ({
  id,
  label: labelOf(config, methods),
  differs: nameConfig(config, methods).differs,
  step,
});

/** One line that distinguishes it from other students: its training configuration and number of steps. */
export const studentLine = ({ label, step }: Pick<StudentReport, 'label' | 'step'>): string =>
  `${label}, step ${step}`;
