import type { NamedFile } from '../../../contract/lens';
import { STUDENT_FILE } from '../../../contract/model-files';
import { listed, quote } from '../../../text/quote';
import { FileError } from '../../base/errors';
import { type Layout, sortTensors } from '../../checkpoint/latent/layouts';
import { type LocatedTensors, locateTensors } from '../../checkpoint/locate';
import { thoughtsIn } from '../../decode/reasoning';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import { fingerprint, folderOf, json, matchedList, readWhole, smallFilesOf } from './chosen-files';
import { reportOn } from './model-report';
import type { OpenOptions } from './open-options';
import { endIdsOf } from './pair';
import { readRelease, rowsOf } from './release-open';
import type { OpenedModel } from './subjects';
import { openTokenizer } from './tokenizer-files';

/** Opens a published latent-reasoning checkpoint; what its folder lacks of its base is taken from the open model. */
export async function openRelease(
  layout: Layout,
  {
    byName,
    blobs,
    index,
    config,
    located,
    unread,
    bytes,
    whole,
    files,
    options,
  }: {
    readonly byName: ReadonlyMap<string, Blob>;
    readonly blobs: ReadonlyMap<string, Blob>;
    readonly index: unknown;
    readonly config: unknown;
    readonly located: LocatedTensors;
    /** What is said of files that are not read. */
    readonly unread: readonly string[];
    readonly bytes: number;
    readonly whole: boolean;
    readonly files: readonly NamedFile[];
    readonly options: OpenOptions;
  },
): Promise<OpenedModel> {
  const { signal, bases } = options;
  const { found } = located;
  refuseBeside(layout, located);
  const base = bases?.opened && (bases.opened.base ?? bases.opened);
  const own = smallFilesOf(byName);
  const small = new Map([...(base?.model.files ?? []), ...[...own].filter(([, { size }]) => size > 0)]);
  if (!small.has('config.json') || !(small.has('tokenizer.json') || base))
    throw new FileError(
      `the weights are in ${layout.name}; such files come without ${config === undefined ? 'config.json' : 'tokenizer.json'}, which is that of the base model`,
      'Open the base model first (gpt2 for the small published students), then drop these files again; or put its config.json and tokenizer.json beside them.',
    );
  const settings = config ?? (await json(small, 'config.json'));
  const vocabSize = rowsOf(sortTensors(layout, found), layout);
  const { tokenizer, notes: told } = small.has('tokenizer.json')
    ? await openTokenizer(small, (name) => json(small, name), { vocabSize })
    : { tokenizer: (base as OpenedModel).tokenizer, notes: [] };
  const tokenId = (text: string): number | undefined => addedToken(tokenizer, text);
  const read = await readRelease({ layout, found, config: settings, tokenId }, signal);
  const memory = whole ? await readWhole(blobs, bytes, options) : undefined;
  const release = memory
    ? await readRelease(
        { layout, found: await locateTensors(memory.sources, index), config: settings, tokenId },
        signal,
      )
    : read;
  const sha256 = memory?.sha256 ?? (await fingerprint(blobs.values(), options));
  const fromBase = [
    ...(config === undefined ? ['config.json'] : []),
    ...(own.get('tokenizer.json')?.size ? [] : ['the tokenizer']),
  ];
  const notes = [
    ...release.notes,
    ...(fromBase.length > 0
      ? [
          `From the model that was open, ${JSON.stringify(base?.model.report.name)}: ${fromBase.join(' and ')}.`,
        ]
      : []),
    ...told,
    ...(located.notes ?? []),
    ...unread,
    ...(byName.has(STUDENT_FILE)
      ? [`${STUDENT_FILE} is not read: how the student reasons is known from the layout of its weights.`]
      : []),
  ];
  const latent = release.latent();
  return {
    tokenizer,
    latent,
    model: {
      config: release.config,
      endIds: endIdsOf(release.config, tokenizer),
      files: small,
      weights: release.weights(),
      report: {
        ...reportOn(settings, release.config, {
          ...{ bytes, sha256, whole, notes },
          folder: folderOf(files) || `${layout.id} student`,
          matched: matchedList(release.all),
        }),
        thoughts: thoughtsIn(latent.reasoning),
      },
    },
  };
}

/** @throws FileError if a file that the index does not name holds a part of the student */
function refuseBeside(layout: Layout, { beside = new Map() }: LocatedTensors): void {
  const parts = [...beside].filter(([name]) => (layout.roleOf(name)?.kind ?? 'aside') !== 'aside');
  const [first] = parts;
  if (first)
    throw new FileError(
      `${quote(first[1].file)}, which the index does not name, holds parts of the student that nothing uses: ${listed(
        parts.map(([name]) => quote(name)),
        3,
      )}`,
      `Take ${first[1].file} out of the folder if it does not belong to the checkpoint; if it does, get the index again.`,
    );
}

/** The id of an added token, which is among the last. */
function addedToken({ vocabSize, tokenText }: Tokenizer, text: string): number | undefined {
  for (let id = vocabSize - 1; id >= Math.max(0, vocabSize - ADDED); id--)
    if (tokenText(id) === text) return id;
  return undefined;
}

const ADDED = 1024;
