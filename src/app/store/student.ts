import type { RunConfig } from '../../contract/config';
import type { StudentReport } from '../../contract/events';
import { METHODS } from '../../contract/methods/index';
import type { Methods } from '../../contract/methods/method';
import { labelOf, nameConfig } from '../../contract/presets';

/** The student of a run under way, which the engine has not described yet. */
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

/** One line that tells it from other students: what it was trained with, and for how many steps. */
export const studentLine = ({ label, step }: Pick<StudentReport, 'label' | 'step'>): string =>
  `${label}, step ${step}`;
