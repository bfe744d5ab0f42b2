import type { RunConfig } from '../../contract/config';
import type { DataReport } from '../../contract/data';
import { withValue } from './draft';

/** The page's choice of who learns from whom on what. */

export type Roles = RunConfig['roles'];
export type RoleField = keyof Roles;

/** Whether a configuration needs the bundled pair to be loaded. */
export const needsPair = ({ roles }: Pick<RunConfig, 'roles'>): boolean =>
  roles.student === 'bundled' || roles.teacher === 'bundled' || roles.data === 'bundled';

/**
 * The configuration with another model or data set. What is incompatible changes too: an opened model becomes
 * its own teacher, and a small data set limits the numbers of rows. @returns also what else was changed, one
 * sentence each
 */
export function withRole(
  config: RunConfig,
  field: RoleField,
  value: string,
  rows: Pick<DataReport, 'name' | 'rows'> | null,
): { readonly config: RunConfig; readonly notes: readonly string[] } {
  const chosen = withValue(config, `roles.${field}`, value);
  if (field === 'student') {
    const { teacher } = chosen.roles;
    if (value === 'opened' && teacher === 'bundled')
      return {
        config: withValue(chosen, 'roles.teacher', 'self'),
        notes: ['The opened model is its own teacher: the bundled teacher has another tokenizer.'],
      };
    if (value === 'bundled' && teacher === 'self')
      return { config: withValue(chosen, 'roles.teacher', 'bundled'), notes: [] };
  }
  if (field === 'data' && value === 'opened' && rows) return fitted(chosen, rows);
  return { config: chosen, notes: [] };
}

/** Shares of a small data set: three quarters for training, a tenth for validation, the rest held out. */
const SHARES = { samples: 0.75, validation: 0.1 } as const;

function fitted(
  config: RunConfig,
  { name, rows }: Pick<DataReport, 'name' | 'rows'>,
): { readonly config: RunConfig; readonly notes: readonly string[] } {
  const { samples, validation, heldOut } = config.data;
  if (samples + validation + heldOut <= rows || rows < 3) return { config, notes: [] };
  const held = { validation: Math.min(validation, Math.max(1, Math.floor(SHARES.validation * rows))) };
  const sampled = Math.min(samples, Math.floor(SHARES.samples * rows), rows - 1 - held.validation);
  const data = {
    ...config.data,
    ...held,
    samples: sampled,
    heldOut: Math.min(heldOut, rows - sampled - held.validation),
  };
  return {
    config: { ...config, data },
    notes: [
      `${name} has ${rows} rows: ${data.samples} for training, ${data.validation} for validation and ${data.heldOut} held out.`,
    ],
  };
}
