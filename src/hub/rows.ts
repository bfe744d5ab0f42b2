import { MAX_DATA_BYTES } from '../contract/data';
import { readJsonDigits } from '../text/json';
import { HubError } from './errors';
import { fetchSmall, type HubAccess } from './listing';
import { HUB, hostOf, isHub } from './source';

/**
 * Rows of a data set on the Hub or a mirror, through its dataset viewer: most sets are stored as Parquet there, and the
 * viewer gives rows as JSON, a hundred at a time.
 */

export interface HubRows {
  /** `openai/gsm8k` */
  readonly dataset: string;
  readonly config: string;
  readonly split: string;
  /** How many, from the first; null for all that the split has. */
  readonly rows: number | null;
}

/** Most rows in one response: the viewer gives no more. */
const AT_ONCE = 100;

/**
 * Where a host's dataset viewer is: below `datasets-server.`, as Hugging Face's own library takes it to be of any host
 * (`datasets`, utils/_dataset_viewer.py). A host without a name, or this computer, can have none there: it is asked itself.
 */
export function viewerOf(base: string): string {
  const { protocol, hostname, host, pathname } = new URL(base);
  const hasName = /[a-z]/i.test(hostname) && !hostname.includes(':') && hostname !== 'localhost';
  return hasName ? `${protocol}//datasets-server.${host}${pathname.replace(/\/+$/, '')}` : base;
}

export const VIEWER = viewerOf(HUB);

/** Rows that can be asked for, at least. */
export const FEWEST_ROWS = 1;

/** What is wrong with the request, or null. */
export function hubRowsError({ dataset, config, split, rows }: HubRows): string | null {
  if (!/^[\w.-]+\/[\w.-]+$/.test(dataset)) return 'Type the data set as owner/name, such as openai/gsm8k.';
  if (config.trim() === '' || split.trim() === '')
    return 'Type its configuration and split, such as main and train.';
  if (rows !== null && (!Number.isInteger(rows) || rows < FEWEST_ROWS))
    return `Choose a whole number of rows from ${FEWEST_ROWS}, or all.`;
  return null;
}

/** Rows that have arrived, from the first: a request that broke off goes on from there. */
export class ArrivedRows {
  /** Which split they are of, see `of`. */
  key = '';
  private lines: string[] = [];
  /** Bytes of the lines as UTF-8. */
  bytes = 0;

  get count(): number {
    return this.lines.length;
  }

  /** Forgets what is of another split, or of one that has changed. @param key says which it is */
  of(key: string): this {
    if (key !== this.key) this.clear();
    this.key = key;
    return this;
  }

  add(rows: readonly unknown[]): void {
    for (const row of rows) {
      const line = `${JSON.stringify(row)}\n`;
      this.lines.push(line);
      this.bytes += new TextEncoder().encode(line).length;
    }
  }

  first(count: number): Blob {
    return new Blob(this.lines.slice(0, count), { type: 'application/jsonl' });
  }

  clear(): void {
    this.key = '';
    this.lines = [];
    this.bytes = 0;
  }
}

export interface RowsOptions {
  /** Address of the host. */
  readonly base: string;
  /** Rows of earlier attempts, to which those of this one are added. */
  readonly arrived: ArrivedRows;
  /** `total`: 0 until it is known. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly onWait?: NonNullable<HubAccess['patient']>['onWait'];
}

/**
 * The rows as JSON lines in the viewer's own form; fewer than requested if the split has no more.
 * @throws HubError naming what was answered instead, or what does not fit into memory; what has arrived stays in `arrived`
 */
export async function fetchRows(
  source: HubRows,
  access: Omit<HubAccess, 'patient'>,
  { base, arrived, onProgress, onWait = () => {} }: RowsOptions,
): Promise<{ readonly name: string; readonly data: Blob }> {
  const { dataset, config, split, rows: wanted } = source;
  const problem = hubRowsError(source);
  const named = `${dataset} (${config}, ${split})`;
  if (problem !== null) throw new HubError('input', named, problem);
  const key = JSON.stringify([base, dataset, config, split]);
  arrived.of(key);
  const most = wanted ?? Number.POSITIVE_INFINITY;
  let total = most;
  onProgress?.(arrived.count, Number.isFinite(total) ? total : 0);
  const patient = { onWait, received: () => arrived.count };
  while (arrived.count < total) {
    access.signal.throwIfAborted();
    const place = { offset: `${arrived.count}`, length: `${Math.min(AT_ONCE, total - arrived.count)}` };
    const query = new URLSearchParams({ dataset, config, split, ...place });
    const isFirst = arrived.count === 0;
    const answer = await page(query, named, base, isFirst ? access : { ...access, patient });
    arrived.add(answer.rows);
    total = Math.min(total, answer.total);
    refuseUnlessFits(arrived, total, named);
    if (answer.rows.length === 0) break;
    onProgress?.(Math.min(arrived.count, total), Number.isFinite(total) ? total : 0);
  }
  return { name: `${dataset.replace('/', '-')}-${config}-${split}.jsonl`, data: arrived.first(most) };
}

async function page(query: URLSearchParams, named: string, base: string, access: HubAccess) {
  const viewer = viewerOf(base);
  const what = `rows of ${named}`;
  try {
    return readAnswer(await fetchSmall(`${viewer}/rows?${query}`, viewer, what, access), what);
  } catch (thrown) {
    if (isHub(base) || access.patient || !(thrown instanceof HubError)) throw thrown;
    throw new HubError(
      thrown.code,
      `the mirror ${hostOf({ base })} gave no ${what}: ${thrown.message}. It may have no dataset viewer, which is expected at ${hostOf({ base: viewer })}`,
      'Download the rows as a file of the data set’s repository instead, or choose Hugging Face.',
      { cause: thrown },
    );
  }
}

/** Refuses rows that take more than is read, as soon as that is known: by those that there are, or by their mean length. */
function refuseUnlessFits({ count, bytes }: ArrivedRows, total: number, named: string): void {
  if (count === 0) return;
  const each = bytes / count;
  const all = Number.isFinite(total) ? each * total : bytes;
  if (all <= MAX_DATA_BYTES) return;
  const fitting = Math.floor((0.9 * MAX_DATA_BYTES) / each / AT_ONCE) * AT_ONCE;
  throw new HubError(
    'input',
    `${Number.isFinite(total) ? total : count} rows of ${named} take about ${Math.round(all / 1e6)} MB; at most ${Math.round(MAX_DATA_BYTES / 1e6)} MB fit into memory with what is made of them`,
    `Ask for the first ${fitting}.`,
  );
}

function readAnswer(
  bytes: Uint8Array,
  what: string,
): { readonly rows: readonly unknown[]; readonly total: number } {
  const odd = (why: string) =>
    new HubError('hub', `the dataset viewer did not give ${what} (${why})`, 'Open the data set from a file.');
  let value: unknown;
  try {
    value = readJsonDigits(bytes);
  } catch (cause) {
    throw odd((cause as Error).message);
  }
  const { rows, num_rows_total: total } = (value ?? {}) as { rows?: unknown; num_rows_total?: unknown };
  if (!Array.isArray(rows)) throw odd('there is no list of rows in its answer');
  return { rows, total: typeof total === 'number' && total >= 0 ? total : Number.POSITIVE_INFINITY };
}
