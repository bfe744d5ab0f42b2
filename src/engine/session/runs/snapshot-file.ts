import type { RunConfig } from '../../../contract/config';
import type { Methods } from '../../../contract/methods/method';
import type { RunSeries } from '../../../contract/series-schema';
import {
  readSeries,
  SNAPSHOT_KEYS,
  type SnapshotHeader,
  seriesText,
  snapshotHeaderSchema,
  TENSOR_GROUPS,
} from '../../../contract/snapshot';
import { listed, quote } from '../../../text/quote';
import { FileError } from '../../base/errors';
import { type Shape, showShape, sizeOf } from '../../base/shape';
import { encodeFloats } from '../../checkpoint/float';
import { readHeader, readTensor, toHost } from '../../checkpoint/safetensors';
import { memorySource } from '../../checkpoint/source';
import { type WritableTensor, writeSafetensors } from '../../checkpoint/write';
import type { Parameter } from '../../nn/parameter-set';
import type { OptimiserState } from '../../train/optimiser';

/** Values of every parameter, in the order of the parameter set. */
export type Values = readonly Float32Array<ArrayBuffer>[];

/** What a snapshot is written from: see contract/snapshot.ts. */
export interface SnapshotParts {
  readonly header: SnapshotHeader;
  readonly series: RunSeries;
  readonly parameters: readonly Pick<Parameter, 'name' | 'shape'>[];
  readonly values: Values;
  /** Absent in the snapshot of a finished run. */
  readonly moments?: Pick<OptimiserState, 'first' | 'second'>;
  /** The copy that `header.kept` refers to. */
  readonly kept?: Values;
  /** Values of the current stage's reference, if it has one. */
  readonly reference?: Values | undefined;
}

type Group = keyof typeof TENSOR_GROUPS;

/** A snapshot as read. Its tensors are found by name once the parameters of its configuration are known. */
export interface OpenedSnapshot {
  readonly header: SnapshotHeader;
  readonly series: RunSeries;
  /** Whether there are tensors in a group. */
  has(group: Group): boolean;
  /**
   * The values of a group, in the order of `parameters`. @throws FileError naming the tensor that is missing, superfluous, or
   * of another shape
   */
  values(group: Group, parameters: SnapshotParts['parameters']): Float32Array<ArrayBuffer>[];
}

/** One safetensors file, f32 throughout. */
export function writeSnapshot({
  header,
  series,
  parameters,
  values,
  moments,
  kept,
  reference,
}: SnapshotParts): Uint8Array<ArrayBuffer> {
  const group = (name: Group, of: Values | undefined): WritableTensor[] =>
    (of ?? []).map((data, i) => {
      const { name: parameter, shape } = parameters[i] as Parameter;
      return { name: TENSOR_GROUPS[name] + parameter, dtype: 'f32', shape, bytes: encodeFloats(data, 'f32') };
    });
  return writeSafetensors(
    [
      ...group('parameters', values),
      ...group('first', moments?.first),
      ...group('second', moments?.second),
      ...group('kept', kept),
      ...group('reference', reference),
    ],
    new Map([
      [SNAPSHOT_KEYS.header, JSON.stringify(header)],
      [SNAPSHOT_KEYS.series, seriesText(series)],
    ]),
  );
}

/** Bytes of a run's snapshots while it trains, without their metadata. */
export function snapshotBytes(
  parameters: readonly { readonly shape: Shape }[],
  { evaluation }: Pick<RunConfig, 'evaluation'>,
): number {
  const values = parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  // Values and two moments, and the copy that is kept for its accuracy.
  return Float32Array.BYTES_PER_ELEMENT * values * (evaluation.keepBest ? 4 : 3);
}

const AGAIN = 'Choose a file that this playground kept for a run, or start the run again.';

/** Reads a snapshot's file. @throws FileError if it is damaged, not a snapshot, or of a later version */
export async function readSnapshot(file: Uint8Array<ArrayBuffer>, methods: Methods): Promise<OpenedSnapshot> {
  const { buffer } = file.byteLength === file.buffer.byteLength ? file : file.slice();
  const source = memorySource(buffer);
  const { metadata, tensors } = await readHeader(source, 'the snapshot');
  const text = (key: string): string => {
    const found = metadata.get(key);
    if (found === undefined)
      throw new FileError(`the snapshot has no metadata ${quote(key)}: it is another kind of file`, AGAIN);
    return found;
  };
  const read = <T>(what: string, parse: () => T): T => {
    try {
      return parse();
    } catch (cause) {
      throw new FileError(`the snapshot's ${what} cannot be read: ${(cause as Error).message}`, AGAIN, {
        cause,
      });
    }
  };
  const header = read('header', () =>
    snapshotHeaderSchema(methods).parse(JSON.parse(text(SNAPSHOT_KEYS.header))),
  );
  const series = read('series', () => readSeries(text(SNAPSHOT_KEYS.series)));
  const stored = new Map<string, { shape: Shape; data: Float32Array<ArrayBuffer> }>();
  for (const [name, entry] of tensors) {
    const { dtype, shape, data } = toHost(await readTensor(source, entry));
    if (dtype !== 'f32')
      throw new FileError(`tensor ${quote(name)} of the snapshot is ${dtype}, not f32`, AGAIN);
    stored.set(name, { shape, data: data as Float32Array<ArrayBuffer> });
  }
  const has = (group: Group): boolean =>
    [...stored.keys()].some((name) => name.startsWith(TENSOR_GROUPS[group]));
  return { header, series, has, values: (group, parameters) => valuesOf(stored, group, parameters) };
}

function valuesOf(
  stored: ReadonlyMap<string, { readonly shape: Shape; readonly data: Float32Array<ArrayBuffer> }>,
  group: Group,
  parameters: SnapshotParts['parameters'],
): Float32Array<ArrayBuffer>[] {
  const prefix = TENSOR_GROUPS[group];
  const wanted = new Set(parameters.map(({ name }) => prefix + name));
  const others = [...stored.keys()].filter((name) => name.startsWith(prefix) && !wanted.has(name));
  if (others.length > 0)
    throw new FileError(
      `the snapshot holds ${listed(others, 4)}, which its configuration does not train`,
      'It belongs to another version of this method: start the run again.',
    );
  return parameters.map(({ name, shape }) => {
    const found = stored.get(prefix + name);
    if (!found)
      throw new FileError(`the snapshot has no tensor ${quote(prefix + name)}`, 'Start the run again.');
    if (found.shape.join() !== shape.join())
      throw new FileError(
        `tensor ${quote(prefix + name)} of the snapshot is ${showShape(found.shape)}; ${showShape(shape)} was expected`,
        'It was made with another model or another version of this method: start the run again.',
      );
    return found.data;
  });
}
