import type { CallOptions } from '../../../contract/calls';
import {
  type DataPage,
  type DataQuery,
  type DataReading,
  type DataReport,
  type DataRow,
  NO_FILTER,
  type RowsCost,
  type TokenCounts,
} from '../../../contract/data';
import type { NamedFile, Source } from '../../../contract/lens';
import { fetchFile } from '../../checkpoint/fetch';
import { type DataSet, spreadOf } from '../../data/sets/data-set';
import { type ReadOptions, readData } from '../../data/sets/read';
import type { ResolvedSubject } from '../models/subjects';
import { batchOf } from '../states/buckets';
import { type OpenedData, openedData } from './opened-data';
import { rowLengths } from './row-lengths';

/** Maximum number of rows per page. */
const MAX_COUNT = 1000;
/** Maximum number of ids listed; all are counted. */
const MAX_LISTED = 50;

/** What is left out is told to callers of the same realm alone. */
export type DataOptions = CallOptions & Pick<ReadOptions, 'onLeftOut'>;

export type DataFrom = readonly NamedFile[] | { readonly url: string; readonly sha256: string };

/** The opened data set, its rows and their tokens. */
export class DataRoom {
  private current: OpenedData | undefined;
  private serial = 0;

  get opened(): OpenedData | undefined {
    return this.current;
  }

  /**
   * Opens a data set in place of the previous one, which stays open if this one cannot be read.
   * @throws as `readData` and `fetchFile` do
   */
  async open(
    from: DataFrom,
    reading: DataReading,
    {
      signal,
      report,
      fetch,
      onLeftOut,
    }: DataOptions & { readonly fetch?: typeof globalThis.fetch | undefined } = {},
  ): Promise<DataReport> {
    const start = performance.now();
    const files = 'url' in from ? [await fetched(from, signal, fetch)] : from;
    const set = await readData(files, reading, {
      ...{ signal, onLeftOut },
      onProgress: (done, total) =>
        report?.({ phase: 'rows', done, total, unit: 'bytes', elapsed: performance.now() - start }),
    });
    this.take(set, undefined);
    return set.report;
  }

  rows({ part, filter, draw, from, count }: DataQuery): DataPage {
    const { set, tokens } = openedData(this.current);
    const { indices, passing } = set.select(part, filter, draw, tokens);
    const shown = indices.slice(Math.max(0, from), Math.max(0, from) + Math.min(count, MAX_COUNT));
    return {
      rows: shown.map((i) => ({
        ...(set.rows[i] as DataRow),
        words: set.words[i] as number,
        tokens: tokens?.[i] ?? null,
      })),
      total: indices.length,
      passing,
    };
  }

  /**
   * The number of tokens of every row with the subject's tokenizer, as fed.
   * @throws InputError if no data set is open or the tokenizer has no token for a text, CancelledError
   */
  async count(
    { tokenizer, source, model }: ResolvedSubject,
    options: CallOptions = {},
  ): Promise<TokenCounts> {
    const { set } = openedData(this.current);
    const lengths = await rowLengths(set, tokenizer, [...set.rows.keys()], options);
    const all = Int32Array.from(lengths, (row) => row.question + row.rationale + row.answer);
    const rationale = Int32Array.from(lengths, (row) => row.rationale);
    this.take(set, all);
    const positions = model.config.maxPositions ?? null;
    const tooLong = positions === null ? [] : set.rows.filter((_, i) => (all[i] as number) > positions);
    return {
      model: source,
      all: spreadOf(all),
      rationale: spreadOf(rationale),
      positions,
      tooLong: tooLong.length,
      tooLongRows: tooLong.slice(0, MAX_LISTED).map(({ id }) => id),
    };
  }

  /**
   * The cost of the hidden states of the drawn rows' rationales under the subject. @throws InputError,
   * CancelledError
   */
  async cost(
    { tokenizer, model }: ResolvedSubject,
    { seed, samples, filter = NO_FILTER }: Extract<Source, { kind: 'rows' }>,
    options: CallOptions = {},
  ): Promise<RowsCost> {
    const { set, tokens } = openedData(this.current);
    const { indices } = set.select('sample', filter, { seed, samples, heldOut: 0 }, tokens);
    const { layers, hiddenSize, maxPositions } = model.config;
    const tooLong: string[] = [];
    let [fed, rationale, longest] = [0, 0, 0];
    const lengths = await rowLengths(set, tokenizer, indices, options);
    for (const [n, parts] of lengths.entries()) {
      const length = parts.question + parts.rationale;
      fed += length;
      rationale += parts.rationale;
      longest = Math.max(longest, length);
      const { id } = set.rows[indices[n] as number] as DataRow;
      if (maxPositions !== undefined && length > maxPositions) tooLong.push(id);
    }
    return {
      rows: indices.length,
      fed,
      rationale,
      longest,
      sequences: batchOf(model.config, longest, indices.length),
      bytes: rationale * layers * hiddenSize * Float32Array.BYTES_PER_ELEMENT,
      tooLong,
    };
  }

  /** Drops counts made with a tokenizer that is gone. */
  forgetTokens(): void {
    if (this.current?.tokens) this.take(this.current.set, undefined);
  }

  close(): void {
    this.current = undefined;
  }

  private take(set: DataSet, tokens: Int32Array | undefined): void {
    this.current = { set, tokens, key: `data ${++this.serial}` };
  }
}

async function fetched(
  { url, sha256 }: { readonly url: string; readonly sha256: string },
  signal: AbortSignal | undefined,
  fetch: typeof globalThis.fetch | undefined,
): Promise<NamedFile> {
  const bytes = await fetchFile(url, {
    sha256,
    ...(signal && { signal }),
    ...(fetch && { fetch }),
  });
  return { name: url.slice(url.lastIndexOf('/') + 1), data: new Blob([bytes]) };
}
