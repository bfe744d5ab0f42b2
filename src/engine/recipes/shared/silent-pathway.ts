import type { ConfigOf } from '../../../contract/config';
import type { AdapterSpec } from '../../nn/attachments';

/** DART's adapters: LoRA of the written pathway, and what the silent one has of its own. */
export const COT = 'cot';
const SILENT = 'silent';

/** REM before the key and the value projection, or what the paper's ablation (table 3) puts in its place. */
export function evolving({
  kind,
  width,
  alpha,
}: ConfigOf<'dart'>['rem']): Readonly<Record<string, AdapterSpec>> {
  if (kind === 'none') return {};
  if (kind === 'lora') return { [SILENT]: { kind, rank: width, alpha, targets: ['k', 'v'] } };
  return { [SILENT]: { kind, width, alpha, sites: ['k.in', 'v.in'] } };
}

/** What runs while it thinks silently. */
export const silentAdapters = ({ rem, silent }: ConfigOf<'dart'>): string[] => [
  ...(silent.pathway === 'both' ? [COT] : []),
  ...Object.keys(evolving(rem)),
];
