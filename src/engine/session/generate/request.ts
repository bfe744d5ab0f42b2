import { complaints } from '../../../contract/complaints';
import { type GenerateRequest, generateRequest } from '../../../contract/generate';
import { InputError } from '../../base/errors';
import type { SamplingOptions } from '../../decode/draw';

/** @throws InputError naming each bad path and value */
export function parseGenerateRequest(value: unknown): GenerateRequest {
  const result = generateRequest.safeParse(value);
  if (!result.success)
    throw new InputError(
      `the request is not valid:\n${complaints(result.error, value)}`,
      'Correct the values named above.',
    );
  return result.data as GenerateRequest;
}

export const samplingOf = ({ settings }: GenerateRequest): SamplingOptions => ({
  temperature: settings.temperature,
  topK: settings.topK === 0 ? null : settings.topK,
  topP: settings.topP,
});
