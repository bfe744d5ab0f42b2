import type { ModelReport } from '../../../contract/events';
import type { ModelConfig } from '../../checkpoint/config';
import { nameOf } from './model-name';
import { describeModel } from './pair';

/** What is known of a checkpoint's files. */
export interface Facts {
  readonly bytes: number;
  readonly sha256: string;
  /** Whether the hash covers all bytes. */
  readonly whole: boolean;
  readonly matched?: ModelReport['matched'];
  readonly notes: readonly string[];
  readonly folder?: string;
}

/** Named by its config.json, else by its folder, else by its hash. */
export function reportOn(
  config: unknown,
  model: ModelConfig,
  { whole, folder = '', ...facts }: Facts,
): ModelReport {
  const name = nameOf(config, folder) || `checkpoint ${facts.sha256.slice(0, 8)}`;
  const origin = { ...facts, name, role: 'opened', licence: 'unknown', measured: [] } as const;
  return { ...describeModel(origin, model), ...(!whole && { sampled: true }) };
}
