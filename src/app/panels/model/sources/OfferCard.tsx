import { useId } from 'react';
import {
  bytesOf,
  HUB_NAME,
  hostName,
  isWhole,
  keyOf,
  type Offer,
  roomFor,
  SAFETENSORS,
} from '../../../store/sources';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { Choice } from '../../../ui/Choice';
import { DataTable } from '../../../ui/DataTable';
import { ErrorNotice, Notice } from '../../../ui/ErrorNotice';
import { bytes, integer, parameters } from '../../../ui/format';
import { Facts } from '../../../ui/Panel';
import { ExportLine, MemoryTable } from '../MemoryTable';

/** The variants that are no export. */
const KINDS: Readonly<Record<string, string>> = {
  [SAFETENSORS]: 'Safetensors',
  torch: 'State dict of PyTorch',
  adapter: 'Adapter',
};

/** Most files that a table lists; the rest are counted. */
const MAX_ROWS = 12;

/** What would be downloaded, from where, and whether there is room: the one question before it. */
export function OfferCard({ offer }: { readonly offer: Offer }) {
  const { plan, bytes: total, leftOut, choice, inspected, isDescribed } = offer;
  const title = useId();
  const library = useApp((state) => state.sources.library);
  const room = useApp((state) => state.sources.room);
  const unavailable = useApp((state) => state.sources.unavailable);
  const described = useApp((state) => state.sources.described);
  // An export is read by its own graph: what is said of the network in config.json does not decide.
  const refusal = described && 'stack' in described && isDescribed ? described : null;
  const model = described && !('stack' in described) ? described : null;
  const { download, declineOffer, openStored, chooseWeights } = useActions();
  const host = hostName(plan);
  const key = keyOf(plan);
  const isStored = isWhole(plan, library);
  const { received: there, free } = roomFor(plan, library, room);
  return (
    <section className="offer" aria-labelledby={title}>
      <h4 id={title}>
        {isStored ? `${plan.id} is stored in this browser` : `Download ${bytes(total - there)} from ${host}?`}
      </h4>
      <Facts
        items={[
          ['Model', plan.id],
          ['Revision', plan.commit ? `${plan.revision} (commit ${plan.commit.slice(0, 12)})` : plan.revision],
          ...(model
            ? [
                [
                  'Architecture',
                  `${model.modelType}, ${parameters(model.parameters)} parameters, ${model.layers} × ${integer(model.hidden)}`,
                ] as const,
              ]
            : []),
          ['Licence', plan.licence ?? 'not given by the host: see the page of the model'],
          [
            'From',
            host === HUB_NAME
              ? 'huggingface.co, which hands large files to its content network (*.hf.co)'
              : host,
          ],
          ...(free === null
            ? []
            : [
                [
                  'Room',
                  `${bytes(Math.max(0, free))} free for this site${free < total - there ? ': too little' : ''}`,
                ] as const,
              ]),
          ...(there > 0 ? [['Already here', `${bytes(there)} of ${bytes(total)}`] as const] : []),
        ]}
      />
      {inspected.choices.length > 1 && (
        <Choice
          label="Weights"
          value={choice.id}
          options={inspected.choices.map(({ id, files }) => ({
            id,
            label: `${KINDS[id] ?? id}, ${bytes(bytesOf(files))}`,
          }))}
          onChange={chooseWeights}
          help={
            isDescribed
              ? 'For everything the page offers.'
              : 'An ONNX export is for hidden states and generation; it cannot be trained.'
          }
        />
      )}
      <DataTable
        caption={`${plan.files.length} files, ${bytes(total)}`}
        columns={['File', 'Size', 'Checked by']}
        rows={[
          ...plan.files
            .slice(0, MAX_ROWS)
            .map(({ path, size, sha256, gitSha1 }) => [
              path,
              bytes(size),
              sha256 !== null ? 'SHA-256' : gitSha1 !== null ? 'git SHA-1' : 'size',
            ]),
          ...(plan.files.length > MAX_ROWS
            ? [
                [
                  `and ${plan.files.length - MAX_ROWS} more`,
                  bytes(plan.files.slice(MAX_ROWS).reduce((n, { size }) => n + size, 0)),
                  '',
                ],
              ]
            : []),
        ]}
      />
      {leftOut.length > 0 && (
        <p className="help">
          Left out:{' '}
          {leftOut
            .slice(0, 4)
            .map(({ path }) => path)
            .join(', ')}
          {leftOut.length > 4 && ` and ${leftOut.length - 4} more`} (
          {bytes(leftOut.reduce((n, { size }) => n + size, 0))}).
        </p>
      )}
      {model && isDescribed && <MemoryTable model={model} />}
      {choice.id.endsWith('.onnx') && <ExportLine size={bytesOf(choice.files)} />}
      {choice.needs?.map((need) => (
        <Notice key={need} kind="info">
          {need} Open that first; what is downloaded stays under Stored, and opens from there.
        </Notice>
      ))}
      {refusal && <ErrorNotice title="It cannot be opened here" error={refusal} />}
      {unavailable !== null && (
        <p className="field-error">
          It cannot be stored: {unavailable}. Download the files with another program and open their folder.
        </p>
      )}
      <div className="actions">
        {isStored ? (
          <Button look="primary" onPress={() => void openStored(key)}>
            Open it
          </Button>
        ) : (
          <Button
            look="primary"
            isDisabled={unavailable !== null || refusal !== null}
            onPress={() => void download(plan)}
          >
            {there > 0 ? 'Download the rest and open' : 'Download and open'}
          </Button>
        )}
        <Button look="quiet" onPress={declineOffer}>
          Not now
        </Button>
      </div>
    </section>
  );
}
