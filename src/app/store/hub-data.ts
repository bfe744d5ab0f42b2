import type { DataOffer } from '../../hub/data-files';
import type { TransferProgress } from '../../hub/progress';
import type { Waiting } from '../../hub/request';
import { type HubRows, VIEWER, viewerOf } from '../../hub/rows';
import { HUB, hostOf, nameOf, readAddress } from '../../hub/source';
import type { SourcesState } from './sources';
import { idle, type Task } from './task';

export { FEWEST_ROWS, hubRowsError } from '../../hub/rows';
export type { DataOffer };
export { nameOf };

/** Data sets of the Hub or a mirror: rows through its dataset viewer, or a file of the data set's repository. */

export const HUB_PLACES = ['hub', 'mirror'] as const;
export type HubPlace = (typeof HUB_PLACES)[number];
export const HUB_WAYS = ['rows', 'file'] as const;
export type HubWay = (typeof HUB_WAYS)[number];

export interface HubDataState {
  /** Null until one is chosen: then the mirror, if one has been given in Model, else the Hub. */
  readonly place: HubPlace | null;
  readonly way: HubWay;
  readonly rows: HubRows;
  readonly fetching: Task<true>;
  /** Rows of a request that broke off, which goes on from there. */
  readonly arrived: number;
  /** Why nothing arrives at the moment. */
  readonly waiting: Waiting | null;
  /** As typed: the data set, or the address of a file; and the file's path. */
  readonly repository: string;
  readonly file: string;
  readonly offer: Task<DataOffer>;
  /** Path of the chosen file of the offer. */
  readonly chosen: string | null;
  readonly download: Task<true>;
  readonly transfer: TransferProgress | null;
}

/** Well-known data sets on the Hub; others can be typed. Their format is detected from the rows. */
export const HUB_SETS: readonly (Omit<HubRows, 'rows'> & { readonly label: string })[] = [
  { label: 'GSM8K', dataset: 'openai/gsm8k', config: 'main', split: 'train' },
  { label: 'GSM8K-Aug', dataset: 'whynlp/gsm8k-aug', config: 'default', split: 'train' },
  { label: 'SVAMP', dataset: 'ChilleD/SVAMP', config: 'default', split: 'test' },
  { label: 'GSM-Hard', dataset: 'reasoning-machines/gsm-hard', config: 'default', split: 'train' },
  { label: 'MultiArith', dataset: 'ChilleD/MultiArith', config: 'default', split: 'test' },
  { label: 'CommonsenseQA', dataset: 'tau/commonsense_qa', config: 'default', split: 'validation' },
];

const { label: _label, ...first } = HUB_SETS[0]!;

/** Rows of a first choice of some. */
export const SOME_ROWS = 200;

export const initialHubData: HubDataState = {
  place: null,
  way: 'rows',
  rows: { ...first, rows: SOME_ROWS },
  fetching: idle,
  arrived: 0,
  waiting: null,
  repository: '',
  file: '',
  offer: idle,
  chosen: null,
  download: idle,
  transfer: null,
};

type Places = Pick<SourcesState, 'mirror'>;

export const placeOf = ({ place }: Pick<HubDataState, 'place'>, { mirror }: Places): HubPlace =>
  place ?? (mirror.trim() === '' ? 'hub' : 'mirror');

/** Names of the host that is asked for files, and of the one that is asked for rows. */
export function hostsOf(
  place: HubPlace,
  { mirror }: Places,
): { readonly files: string; readonly rows: string } {
  if (place === 'hub') return { files: hostOf({ base: HUB }), rows: hostOf({ base: VIEWER }) };
  const typed = mirror.trim();
  const url = readAddress(/^[a-z]+:\/\//i.test(typed) ? typed : `https://${typed}`);
  if (url === null) return { files: 'the mirror', rows: 'the mirror' };
  return { files: url.host, rows: hostOf({ base: viewerOf(url.href) }) };
}
