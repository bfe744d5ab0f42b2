import { ConfigError } from '../../base/errors';
import type { Roles } from './roles';

/**
 * Losses that compare hidden states need a teacher of the student's depth and width. @param losses their
 * names, as the recipe gives them for the configuration @throws ConfigError that names them
 */
export function checkWidths({ student, teacher }: Roles, losses: readonly string[]): void {
  if (losses.length === 0) return;
  for (const [key, name] of [
    ['layers', 'layers'],
    ['hiddenSize', 'hidden size'],
  ] as const) {
    const [own, other] = [student.config[key], teacher.model.config[key]];
    if (own === other) continue;
    throw new ConfigError(
      `the teacher ${teacher.label} and the student ${student.report.name} differ in their ${name}: ${other} and ${own}; ${losses.join(' and ')} ${losses.length === 1 ? 'compares' : 'compare'} their hidden states`,
      'Choose the student’s own model as teacher, or set the weight of these losses to 0.',
    );
  }
}
