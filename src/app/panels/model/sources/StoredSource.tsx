import { type ReactNode, useState } from 'react';
import {
  type DamagedCheckpoint,
  hostName,
  isDownloading,
  type Room,
  type StoredCheckpoint,
  type UnfinishedDownload,
} from '../../../store/sources';
import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { bytes } from '../../../ui/format';
import { Empty } from '../../../ui/Panel';
import { PageCopy } from './PageCopy';

const when = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });

/** What is stored in this browser: to be opened without the host that it came from, resumed, deleted. */
export function StoredSource() {
  const { library, room, unavailable } = useApp((state) => state.sources);
  if (unavailable !== null) return <Empty>Nothing can be stored: {unavailable}.</Empty>;
  if (library === null) return <p className="muted">Reading what is stored …</p>;
  const { whole, unfinished, damaged } = library;
  return (
    <>
      {whole.length + unfinished.length + damaged.length === 0 ? (
        <Empty>
          No model is stored. What you download from Hugging Face or a mirror is kept here, and opens without
          a network.
        </Empty>
      ) : (
        <ul className="stored" aria-label="Stored models">
          {whole.map((one) => (
            <Whole key={one.key} one={one} />
          ))}
          {unfinished.map((one) => (
            <Unfinished key={one.key} one={one} />
          ))}
          {damaged.map((one) => (
            <Damaged key={one.key} one={one} />
          ))}
        </ul>
      )}
      {room && <RoomLine room={room} />}
      <PageCopy />
    </>
  );
}

function RoomLine({ room: { used, quota, isPersistent } }: { readonly room: Room }) {
  return (
    <p className="help">
      {used !== null && quota !== null && `This site uses ${bytes(used)} of ${bytes(quota)}. `}
      {isPersistent
        ? 'The browser keeps it until you delete it.'
        : 'The browser may delete it when the disk gets full.'}
    </p>
  );
}

const origin = ({ manifest }: Pick<StoredCheckpoint, 'manifest'>) =>
  `${hostName(manifest)}, ${manifest.revision}${manifest.commit ? ` (${manifest.commit.slice(0, 12)})` : ''}`;

function Whole({ one }: { readonly one: StoredCheckpoint }) {
  const { key, manifest } = one;
  const isOpen = useApp((state) => state.sources.open?.key === key && state.lens.opened.value !== null);
  const busy = useApp((state) => isBusy(state.lens.opened));
  const { openStored } = useActions();
  const proved = manifest.files.every(({ proof }) => proof !== 'size');
  return (
    <li aria-current={isOpen ? 'true' : undefined}>
      <span>
        {manifest.id}
        {isOpen && <span className="badge">open</span>}
      </span>
      <span className="muted">
        {[
          bytes(one.bytes),
          origin(one),
          when.format(manifest.finishedAt),
          manifest.licence,
          proved ? 'every file checked by its hash' : 'checked by size: the host lists no hashes',
        ]
          .filter(Boolean)
          .join(' · ')}
      </span>
      <span className="actions">
        <Button
          look="quiet"
          isDisabled={busy}
          aria-label={`Open ${manifest.id}`}
          onPress={() => void openStored(key)}
        >
          Open
        </Button>
        <Delete id={key} name={manifest.id} size={one.bytes} />
      </span>
    </li>
  );
}

function Unfinished({
  one: { key, plan, isUnderWay, received, bytes: total },
}: {
  readonly one: UnfinishedDownload;
}) {
  const busy = useApp((state) => isBusy(state.sources.download));
  const isThis = useApp(({ sources }) => isDownloading(sources, key));
  const { download } = useActions();
  return (
    <li>
      <span>
        {plan.id}{' '}
        <span className="badge">
          {isThis ? 'downloading' : isUnderWay ? 'downloading in another tab' : 'unfinished'}
        </span>
      </span>
      <span className="muted">
        {[
          `${bytes(received)} of ${bytes(total)}`,
          `${bytes(Math.max(0, total - received))} left to download from ${hostName(plan)}`,
          when.format(plan.startedAt),
        ].join(' · ')}
      </span>
      <span className="actions">
        <Button
          look="quiet"
          isDisabled={busy}
          aria-label={`Resume ${plan.id}`}
          onPress={() => void download(plan)}
        >
          Resume
        </Button>
        <Delete id={key} name={`what is here of ${plan.id}`} size={received} isDisabled={isThis} />
      </span>
    </li>
  );
}

function Damaged({ one: { key, reason, bytes: size } }: { readonly one: DamagedCheckpoint }) {
  return (
    <li>
      <span>
        Unreadable files <span className="muted">({key.slice(0, 60)})</span>
      </span>
      <span className="muted">
        {bytes(size)} · {reason}
      </span>
      <span className="actions">
        <Delete id={key} name={`the unreadable files ${key.slice(0, 60)}`} size={size} />
      </span>
    </li>
  );
}

/** Asks once more: what is deleted must be downloaded again. */
function Delete({
  id,
  name,
  size,
  isDisabled = false,
}: {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly isDisabled?: boolean;
}): ReactNode {
  const [asked, setAsked] = useState(false);
  const { deleteStored } = useActions();
  if (!asked)
    return (
      <Button
        look="quiet"
        isDisabled={isDisabled}
        aria-label={`Delete ${name}`}
        onPress={() => setAsked(true)}
      >
        Delete
      </Button>
    );
  return (
    <>
      <span>Delete {bytes(size)}? It would have to be downloaded again.</span>
      <Button
        look="danger"
        autoFocus
        aria-label={`Delete ${name} for good`}
        onPress={() => {
          setAsked(false);
          void deleteStored(id);
        }}
      >
        Delete
      </Button>
      <Button look="quiet" onPress={() => setAsked(false)}>
        Keep
      </Button>
    </>
  );
}
