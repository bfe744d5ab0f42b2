import { InputError } from '../../base/errors';
import type { DataSet } from '../../data/sets/data-set';

/** The opened data set, as the lens draws from it. */
export interface OpenedData {
  readonly set: DataSet;
  /** The number of tokens of every row, as last counted: a filter on tokens refers to these. */
  readonly tokens: Int32Array | undefined;
  /** Equal if and only if rows and counts are. */
  readonly key: string;
}

/** @throws InputError if no data set is open */
export function openedData(data: OpenedData | undefined): OpenedData {
  if (!data)
    throw new InputError(
      'no data set is open',
      'Open one in the Data panel, or take the GSM8K rows that come with the page.',
    );
  if (data.set.rows.length === 0)
    throw new InputError(
      'the data set has no rows that could be read',
      'The Data panel lists what is wrong with them.',
    );
  return data;
}

/** Its name and the start of its SHA-256. */
export const nameOf = ({ set }: OpenedData): string =>
  `${set.report.name}, sha256 ${set.report.sha256.slice(0, 8)}`;
