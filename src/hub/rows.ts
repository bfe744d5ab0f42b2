import { readJson } from '../text/json';
import { HubError } from './errors';
import { fetchSmall, type HubAccess } from './listing';

/**
 * Rows of a data set on the Hub, through its dataset viewer: most sets are stored as Parquet there, and the viewer gives
 * rows as JSON, a hundred at a time.
 */

export const VIEWER = 'https://datasets-server.huggingface.co';

export interface HubRows {
  /** `openai/gsm8k` */
  readonly dataset: string;
  readonly config: string;
  readonly split: string;
  /** How many, from the first. */
  readonly rows: number;
}

/** Most rows in one response: the viewer gives no more. */
const AT_ONCE = 100;
/** Most rows in all: ten responses. */
export const MAX_HUB_ROWS = 1000;

/** What is wrong with the request, or null. */
export function hubRowsError({ dataset, config, split, rows }: HubRows): string | null {
  if (!/^[\w.-]+\/[\w.-]+$/.test(dataset)) return 'Type the data set as owner/name, such as openai/gsm8k.';
  if (config.trim() === '' || split.trim() === '')
    return 'Type its configuration and split, such as main and train.';
  if (!Number.isInteger(rows) || rows < 1 || rows > MAX_HUB_ROWS)
    return `Choose a whole number of rows from 1 to ${MAX_HUB_ROWS}.`;
  return null;
}

/**
 * The rows as the text of one JSON object, in the viewer's own form; fewer than requested if the split has no
 * more.
 * @throws HubError naming what the viewer answered instead
 */
export async function fetchRows(
  source: HubRows,
  access: HubAccess,
  onProgress?: (done: number, total: number) => void,
): Promise<{ readonly name: string; readonly text: string }> {
  const { dataset, config, split, rows: wanted } = source;
  const problem = hubRowsError(source);
  if (problem !== null) throw new HubError('input', `${dataset}, ${config}, ${split}`, problem);
  const rows: unknown[] = [];
  let total = wanted;
  onProgress?.(0, total);
  while (rows.length < total) {
    const length = Math.min(AT_ONCE, total - rows.length);
    const query = new URLSearchParams({
      dataset,
      config,
      split,
      offset: `${rows.length}`,
      length: `${length}`,
    });
    const what = `rows of ${dataset} (${config}, ${split})`;
    const answer = readAnswer(await fetchSmall(`${VIEWER}/rows?${query}`, VIEWER, what, access), what);
    rows.push(...answer.rows);
    total = Math.min(total, answer.total);
    if (answer.rows.length === 0) break;
    onProgress?.(rows.length, total);
  }
  return { name: `${dataset.replace('/', '-')}-${config}-${split}.json`, text: JSON.stringify({ rows }) };
}

function readAnswer(
  bytes: Uint8Array,
  what: string,
): { readonly rows: readonly unknown[]; readonly total: number } {
  const odd = (why: string) =>
    new HubError('hub', `the dataset viewer did not give ${what} (${why})`, 'Open the data set from a file.');
  let value: unknown;
  try {
    value = readJson(bytes);
  } catch (cause) {
    throw odd((cause as Error).message);
  }
  const { rows, num_rows_total: total } = (value ?? {}) as { rows?: unknown; num_rows_total?: unknown };
  if (!Array.isArray(rows)) throw odd('there is no list of rows in its answer');
  return { rows, total: typeof total === 'number' && total >= 0 ? total : Number.POSITIVE_INFINITY };
}
