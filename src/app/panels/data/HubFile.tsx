import { useId } from 'react';
import { Form } from 'react-aria-components';
import { type DataOffer, hostsOf, nameOf, placeOf } from '../../store/hub-data';
import { hostName } from '../../store/sources';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Choice } from '../../ui/Choice';
import { bytes } from '../../ui/format';
import { Facts } from '../../ui/Panel';
import { TextEntry } from '../../ui/TextEntry';
import { TaskStatus } from '../shared/TaskStatus';
import { TransferStatus } from '../shared/TransferStatus';

/** Files of one repository that are offered; the others can be typed. */
const MAX_OFFERED = 100;

/** A file of a data set's repository: looked up, agreed to, downloaded, and read as a file of one's own. */
export function HubFile() {
  const hub = useApp((state) => state.data.hub);
  const sources = useApp((state) => state.sources);
  const { typeDataFile, lookUpData, cancelDataLookUp } = useActions();
  const { repository, file, offer, download } = hub;
  const busy = isBusy(offer) || isBusy(download);
  const host = hostsOf(placeOf(hub, sources), sources).files;
  return (
    <>
      <Form
        className="data-fields"
        onSubmit={(event) => {
          event.preventDefault();
          void lookUpData();
        }}
      >
        <TextEntry
          label="Repository"
          value={repository}
          onChange={(text) => typeDataFile({ repository: text })}
          isDisabled={busy}
          placeholder="owner/name"
          help="owner/name, owner/name@revision, or the address of the data set or of a file of it."
        />
        <TextEntry
          label="File"
          value={file}
          onChange={(text) => typeDataFile({ file: text })}
          isDisabled={busy}
          placeholder="data/train.txt"
          help="Its path in the repository; empty to choose from what is there."
        />
        <div className="actions">
          <Button type="submit" isDisabled={busy || repository.trim() === ''}>
            Look it up on {host}
          </Button>
          <span className="help">Asks {host} for the list of files, a few kB. Downloads nothing yet.</span>
        </div>
      </Form>
      <TaskStatus
        task={offer}
        label={`Asking ${host}`}
        onCancel={cancelDataLookUp}
        cancelLabel="Cancel"
        failed="The file was not found"
      />
      {offer.status === 'done' && <Offered offer={offer.value} />}
    </>
  );
}

/** What would be downloaded, and from where: the one question before it. */
function Offered({ offer }: { readonly offer: DataOffer }) {
  const title = useId();
  const { chosen, download, transfer } = useApp((state) => state.data.hub);
  const { chooseDataFile, declineData, downloadData, cancelDataDownload } = useActions();
  const { repository, files } = offer;
  const file = files.find(({ path }) => path === chosen) ?? offer.chosen;
  const first = files.slice(0, MAX_OFFERED);
  // One whose path was typed is listed in any case.
  const listed = first.includes(file) ? first : [file, ...first];
  const host = hostName(repository);
  const { revision, commit, licence } = repository;
  const busy = isBusy(download);
  return (
    <section className="offer" aria-labelledby={title}>
      <h4 id={title}>
        Download {bytes(file.size)} from {host}?
      </h4>
      <Facts
        items={[
          ['Data set', nameOf(repository)],
          ['File', file.path],
          ['Revision', commit ? `${revision} (commit ${commit.slice(0, 12)})` : revision],
          ['Licence', licence ?? 'not given by the host: see the page of the data set'],
          ['Checked by', file.sha256 !== null ? 'SHA-256' : file.gitSha1 !== null ? 'git SHA-1' : 'size'],
        ]}
      />
      {files.length > 1 && (
        <Choice
          label="File"
          value={file.path}
          isDisabled={busy}
          options={listed.map(({ path, size }) => ({ id: path, label: `${path}, ${bytes(size)}` }))}
          onChange={chooseDataFile}
        />
      )}
      {files.length > MAX_OFFERED && (
        <p className="help">
          The first {MAX_OFFERED} of {files.length} files are listed, largest first; type the path of another
          one above.
        </p>
      )}
      {!busy && (
        <div className="actions">
          <Button look="primary" onPress={() => void downloadData()}>
            Download and open
          </Button>
          <Button look="quiet" onPress={declineData}>
            Not now
          </Button>
        </div>
      )}
      <TransferStatus
        task={download}
        transfer={transfer}
        name={file.path}
        host={host}
        kept="What has arrived is kept until this page is closed: after Cancel or a lost network the download resumes from there."
        onCancel={cancelDataDownload}
        onResume={() => void downloadData()}
      />
    </section>
  );
}
