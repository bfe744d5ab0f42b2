import type { HostTensor } from '../../base/dtype';
import { ropeTablesAt } from '../../nn/rope';
import type { Tape } from './tape';
import { tableInputs } from './whole';

/** The feeds with rotary tables [B, 1, P, d/2] for rows' own positions added, if the tape has such segments and positions are rotary. */
export function withRowTables(
  { entries, parameters, batch }: Tape,
  feeds: Readonly<Record<string, HostTensor>>,
): Readonly<Record<string, HostTensor>> {
  const names = new Set(
    entries.flatMap((entry) => (entry.kind === 'segment' ? (entry.rowPositions ?? []) : [])),
  );
  if (names.size === 0 || parameters.config.positions === 'learned') return feeds;
  const out: Record<string, HostTensor> = { ...feeds };
  for (const name of names) {
    const { data } = feeds[name] as HostTensor;
    const tables = ropeTablesAt(parameters.config, data);
    const shape = [batch, 1, data.length / batch, parameters.config.headDim / 2];
    const inputs = tableInputs(name);
    out[inputs.cos] = { dtype: 'f32', shape, data: tables.cos };
    out[inputs.sin] = { dtype: 'f32', shape, data: tables.sin };
  }
  return out;
}
