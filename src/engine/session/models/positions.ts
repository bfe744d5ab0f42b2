import { InputError } from '../../base/errors';
import type { LoadedModel } from './pair';

/**
 * A model is defined for the positions it was trained with. RoPE computes something beyond them too, but that
 * is outside the model. @param what needs the positions, as the start of the message @throws InputError
 * beyond them
 */
export function checkPositions(
  { config, report }: Pick<LoadedModel, 'config' | 'report'>,
  needed: number,
  what: string,
  hint: string,
): void {
  const { maxPositions } = config;
  if (maxPositions === undefined || needed <= maxPositions) return;
  throw new InputError(
    `${what} takes ${needed} positions; ${report.name} has ${maxPositions} (by its config.json)`,
    hint,
  );
}
