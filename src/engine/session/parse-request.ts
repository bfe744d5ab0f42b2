import type { z } from 'zod';
import { complaints } from '../../contract/complaints';
import { InputError } from '../base/errors';

/** `value`, checked against `schema`. @throws InputError naming each bad path and value */
export function parseRequest<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new InputError(
    `the request is not valid:\n${complaints(result.error, value)}`,
    'Correct the values named above.',
  );
}
