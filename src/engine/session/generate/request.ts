import { type GenerateRequest, generateRequest } from '../../../contract/generate';
import type { SamplingOptions } from '../../decode/draw';
import { parseRequest } from '../parse-request';

/** @throws InputError naming each bad path and value */
export function parseGenerateRequest(value: unknown): GenerateRequest {
  return parseRequest(generateRequest, value) as GenerateRequest;
}

export const samplingOf = ({ settings }: GenerateRequest): SamplingOptions => ({
  temperature: settings.temperature,
  topK: settings.topK === 0 ? null : settings.topK,
  topP: settings.topP,
});
