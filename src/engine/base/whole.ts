import { quote } from '../../text/quote';
import { InputError } from './errors';

/** @throws InputError naming the value and what is allowed */
export function expectWhole(what: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high)
    throw new InputError(
      `${what}: ${quote(value)}; a whole number from ${low} to ${high} is expected`,
      `Choose a whole number from ${low} to ${high}.`,
    );
}
