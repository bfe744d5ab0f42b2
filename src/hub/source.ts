import { quote } from '../text/quote';
import { HubError } from './errors';

/** Where a model or a data set is: a host, a repository there, a revision of it. */
export interface HubSource {
  /** Address of the host, without a trailing slash. */
  readonly base: string;
  /** `org/name`; a few old repositories have only `name`; a data set's, as in its address, is `datasets/org/name`. */
  readonly id: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

export const HUB = 'https://huggingface.co';
const HUB_HOSTS = ['huggingface.co', 'www.huggingface.co', 'hf.co'];
const DEFAULT_REVISION = 'main';

const NAME = /^[\w.-]{1,96}$/;
const LOCAL = /^(localhost|127\.0\.0\.1|\[::1\])$/;

const EXAMPLE =
  'Write it as org/name, org/name@revision, or paste the address of its page on huggingface.co.';

const wrong = (message: string, hint = EXAMPLE) => new HubError('input', message, hint);

/** The text as an address, or `null` if it is not one. */
export const readAddress = (text: string): URL | null => (URL.canParse(text) ? new URL(text) : null);

/**
 * The address of a host as typed, without its trailing slash.
 * @throws HubError if it is not an https address (or http on this computer), or has a user, a query or a
 * fragment
 */
export function parseBase(text: string): string {
  const hint = 'Write it as https://host or https://host/path; plain http works on localhost only.';
  const trimmed = text.trim();
  const url = readAddress(/^[a-z]+:\/\//i.test(trimmed) ? trimmed : `https://${trimmed}`);
  if (trimmed === '' || url === null || !url.hostname)
    throw wrong(`${quote(trimmed)} is not an address of a host`, hint);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOCAL.test(url.hostname)))
    throw wrong(`${quote(trimmed)} does not use https`, hint);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw wrong(`the address ${quote(trimmed)} contains more than a host and a path`, hint);
  return url.origin + url.pathname.replace(/\/+$/, '');
}

/** Whether huggingface.co tokens may be sent there. */
export const isHub = (base: string): boolean => base === HUB;

/** The host's name as shown to users: `huggingface.co`, `mirror.example:8080`. */
export const hostOf = ({ base }: Pick<HubSource, 'base'>): string => new URL(base).host;

/** As one would type it: with the revision only if it is not the default. */
export const writeSource = ({ id, revision }: Pick<HubSource, 'id' | 'revision'>): string =>
  revision === DEFAULT_REVISION ? id : `${id}@${revision}`;

const DATA = 'datasets/';

/** Whether the repository is a data set's. */
export const isDataSet = ({ id }: Pick<HubSource, 'id'>): boolean =>
  id.startsWith(DATA) && id.split('/').length === 3;

/** `org/name` */
export const nameOf = (source: Pick<HubSource, 'id'>): string =>
  isDataSet(source) ? source.id.slice(DATA.length) : source.id;

/** Address of what the Hub's API says of the repository. */
export const apiOf = (source: Pick<HubSource, 'base' | 'id'>): string =>
  `${source.base}/api/${isDataSet(source) ? source.id : `models/${source.id}`}`;

/**
 * `org/name`, `org/name@revision` or the address of a page of the repository. `base`: the host if the text
 * names none.
 * @throws HubError saying what was expected
 */
export function parseSource(text: string, base: string = HUB): HubSource {
  const trimmed = text.trim();
  if (trimmed === '') throw wrong('no model is named');
  if (!isAddress(trimmed)) return fromId(trimmed, base, 'model');
  const { path, ...at } = pathOf(trimmed, base, 'model');
  if (path[0] === 'datasets' || path[0] === 'spaces')
    throw wrong(`${quote(trimmed)} is one of the ${path[0]}, not a model`);
  const { file: _, ...source } = sourceAt(path, at.base, trimmed, 'model');
  return source;
}

/**
 * The same of a data set, and the file that an address of one names.
 * @throws HubError saying what was expected
 */
export function parseDataSource(
  text: string,
  base: string = HUB,
): HubSource & { readonly file: string | null } {
  const trimmed = text.trim();
  if (trimmed === '') throw wrong('no data set is named');
  let found: HubSource & { readonly file?: string };
  if (isAddress(trimmed)) {
    const { path, ...at } = pathOf(trimmed, base, 'data set');
    if (path[0] !== 'datasets') throw wrong(`${quote(trimmed)} is not the address of a data set`);
    found = sourceAt(path.slice(1), at.base, trimmed, 'data set');
  } else found = fromId(trimmed.replace(/^datasets\//, ''), base, 'data set');
  const { file = null, ...source } = found;
  if (!source.id.includes('/')) throw wrong(`${quote(trimmed)} is not the name of a data set`);
  return { ...source, id: DATA + source.id, file };
}

type What = 'model' | 'data set';

const isAddress = (text: string): boolean =>
  /^(?:https?:\/\/|(?:www\.)?(?:huggingface|hf)\.co\/)/i.test(text);

function fromId(text: string, base: string, what: What): HubSource {
  const [id = '', revision = DEFAULT_REVISION, ...more] = text.split('@');
  return { base, id: checkId(id, text, what), revision: checkRevision(more.length > 0 ? '' : revision) };
}

/** The steps of an address of the host. */
function pathOf(text: string, base: string, what: What): { readonly path: string[]; readonly base: string } {
  const url = readAddress(/^https?:/i.test(text) ? text : `https://${text}`);
  if (url === null) throw wrong(`${quote(text)} is not an address`);
  const isOfHub = HUB_HOSTS.includes(url.host);
  const isOfBase = base !== HUB && `${url.origin}${url.pathname}`.startsWith(`${base}/`);
  if (isOfHub && base !== HUB)
    throw wrong(
      `${quote(text)} is an address of huggingface.co, not of the mirror ${hostOf({ base })}`,
      `Write the ${what} as org/name, or choose Hugging Face as the source.`,
    );
  if (!isOfHub && !isOfBase)
    throw wrong(
      `${quote(text)} is an address of ${url.host}, not of ${hostOf({ base })}`,
      base === HUB
        ? 'If it is a mirror of the Hub, choose Mirror as the source and give its address there.'
        : `Give the address of the host, and the ${what} as org/name.`,
    );
  const path = isOfHub ? url.pathname : `${url.origin}${url.pathname}`.slice(base.length);
  return { path: path.split('/').filter(Boolean), base: isOfHub ? HUB : base };
}

function sourceAt(
  path: readonly string[],
  base: string,
  text: string,
  what: What,
): HubSource & { readonly file?: string } {
  const at = path.findIndex((step) => ['tree', 'blob', 'resolve', 'raw', 'commit'].includes(step));
  const id = (at < 0 ? path.slice(0, 2) : path.slice(0, at)).join('/');
  const revision = at < 0 ? DEFAULT_REVISION : decodeURIComponentSafely(path[at + 1] ?? '');
  const file =
    at < 0
      ? ''
      : path
          .slice(at + 2)
          .map(decodeURIComponentSafely)
          .join('/');
  return {
    base,
    id: checkId(id, text, what),
    revision: checkRevision(revision),
    ...(file !== '' && path[at] !== 'tree' && { file }),
  };
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

function checkId(id: string, text: string, what: What): string {
  const steps = id.split('/');
  const ok = steps.length <= 2 && steps.every((step) => NAME.test(step) && !/\.\.|^[.-]|\.git$/.test(step));
  if (!ok) throw wrong(`${quote(text)} is not the name of a ${what}`);
  return id;
}

function checkRevision(revision: string): string {
  if (!/^[\w./-]{1,200}$/.test(revision) || /\.\.|^\/|\/$|\/\//.test(revision))
    throw wrong(
      `${quote(revision)} is not a revision`,
      'A revision is a branch, a tag or a commit: org/name@main.',
    );
  return revision;
}

/** Address of a file of the repository. */
export const fileAddress = (
  { base, id, revision, commit }: HubSource & { readonly commit: string | null },
  path: string,
): string =>
  `${base}/${id}/resolve/${encodeURIComponent(commit ?? revision)}/${path.split('/').map(encodeURIComponent).join('/')}`;
