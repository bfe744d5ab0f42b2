import { FileError } from '../../base/errors';
import { isJsonObject, own, quote } from '../../checkpoint/json';

const SOURCES = ['chains', 'stories'] as const;
export type ProblemSource = (typeof SOURCES)[number];

/** models/manifest.json: what the bundled pair is, how it was made and what was measured of it. */
export interface Manifest {
  readonly base: ManifestModel;
  readonly teacher: ManifestModel;
  readonly data: ManifestData;
}

export interface ManifestModel {
  readonly name: string;
  /** Relative to the manifest's own folder. */
  readonly folder: string;
  readonly licence: string;
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
  readonly measured: readonly { readonly what: string; readonly value: string }[];
}

export interface ManifestData {
  readonly description: string;
  /**
   * Which generator draws the problems; default `chains`, in which every step starts from the previous
   * result.
   */
  readonly problems: ProblemSource;
  readonly seed: number;
  readonly minSteps: number;
  readonly maxSteps: number;
}

/** @throws FileError naming the field that is missing or has the wrong type */
export function parseManifest(json: unknown): Manifest {
  const root = object(json, 'the file');
  return {
    base: model(root, 'base'),
    teacher: model(root, 'teacher'),
    data: data(object(own(root, 'data'), 'data')),
  };
}

function model(root: Fields, role: string): ManifestModel {
  const m = object(own(root, role), role);
  const files = list(m, 'files', role).map((entry, i) => {
    const at = `${role}.files[${i}]`;
    const file = object(entry, at);
    return {
      name: text(file, 'name', at),
      bytes: number(file, 'bytes', at),
      sha256: text(file, 'sha256', at),
    };
  });
  const measured = list(m, 'measured', role).map((entry, i) => {
    const at = `${role}.measured[${i}]`;
    const row = object(entry, at);
    return { what: text(row, 'what', at), value: text(row, 'value', at) };
  });
  return {
    name: text(m, 'name', role),
    folder: text(m, 'folder', role),
    licence: text(m, 'licence', role),
    files,
    measured,
  };
}

function data(fields: Fields): ManifestData {
  return {
    description: text(fields, 'description', 'data'),
    problems: source(own(fields, 'problems')),
    seed: number(fields, 'seed', 'data'),
    minSteps: number(fields, 'minSteps', 'data'),
    maxSteps: number(fields, 'maxSteps', 'data'),
  };
}

function source(value: unknown): ProblemSource {
  if (value === undefined) return 'chains';
  return (
    SOURCES.find((known) => known === value) ?? fail('data.problems', value, `one of ${SOURCES.join(', ')}`)
  );
}

/** Maximum characters of a displayed text, and entries of a list. */
const MAX_TEXT = 500;
const MAX_ENTRIES = 100;

type Fields = Readonly<Record<string, unknown>>;

function fail(at: string, value: unknown, expected: string): never {
  throw new FileError(
    `manifest.json: ${at} is ${quote(value)}, expected ${expected}`,
    'Restore the models folder, or correct its manifest.json.',
  );
}
function object(value: unknown, at: string): Fields {
  return isJsonObject(value) ? value : fail(at, value, 'an object');
}
function text(fields: Fields, key: string, at: string): string {
  const value = own(fields, key);
  return typeof value === 'string' && value.length <= MAX_TEXT
    ? value
    : fail(`${at}.${key}`, value, `a text of at most ${MAX_TEXT} characters`);
}
function number(fields: Fields, key: string, at: string): number {
  const value = own(fields, key);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? value
    : fail(`${at}.${key}`, value, 'a whole number');
}
function list(fields: Fields, key: string, at: string): readonly unknown[] {
  const value = own(fields, key);
  return Array.isArray(value) && value.length <= MAX_ENTRIES
    ? value
    : fail(`${at}.${key}`, value, `a list of at most ${MAX_ENTRIES} entries`);
}
