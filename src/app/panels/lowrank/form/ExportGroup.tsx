import { type StatesFormat, statesRows } from '../../../../contract/states';
import { readLayers } from '../../../store/layers';
import { draftErrors } from '../../../store/lens-draft';
import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { CsvButton } from '../../../ui/CsvButton';
import { download } from '../../../ui/download';
import { ErrorNotice } from '../../../ui/ErrorNotice';
import { bytes, integer } from '../../../ui/format';
import { Progress } from '../../../ui/Progress';
import { TextEntry } from '../../../ui/TextEntry';
import { useDraftBounds } from '../bounds';
import { Group } from './Group';

/** The hidden states of the form as files, for other programs. */
export function ExportGroup() {
  const draft = useApp((state) => state.lens.draft);
  const file = useApp((state) => state.lens.file);
  const { changeLens, exportStates, cancelExport } = useActions();
  const busy = isBusy(file);
  const typed = draft.fileLayers;
  const bounds = useDraftBounds(draft);
  const own = readLayers(typed, bounds.layers, 0);
  const wrong = draftErrors(draft, bounds).size > 0 || own.error !== null;
  const write = async (format: StatesFormat) => {
    const made = await exportStates(format, typed.trim() === '' ? undefined : own.layers);
    if (made) download(made.name, made.blob, 'application/octet-stream');
  };
  return (
    <Group title="Export" summary="as .npy or safetensors" wrong={own.error === null ? 0 : 1}>
      <p className="help">
        The hidden states themselves, of the model, parts, sequences, layers and tokens chosen here: float32
        as an array [layers, tokens, H] for numpy, or as a tensor layers.1, layers.2, … [tokens, H] for each
        layer, with texts and token ids as metadata.
      </p>
      <TextEntry
        label="Layers of the file"
        value={typed}
        onChange={(fileLayers) => changeLens({ fileLayers })}
        placeholder="as above"
        help="As above where nothing is written. Here layer 0 can be chosen too, which is what the first layer is fed: 0, 1-3, for example. “all” is without it."
        error={own.error ?? undefined}
      />
      <div className="actions">
        <Button isDisabled={busy || wrong} onPress={() => void write('npy')}>
          Save as .npy
        </Button>
        <Button isDisabled={busy || wrong} onPress={() => void write('safetensors')}>
          Save as .safetensors
        </Button>
      </div>
      {busy && (
        <Progress
          label="Gathering hidden states"
          done={file.progress?.done ?? 0}
          total={file.progress?.total ?? 0}
          unit="samples"
          elapsed={file.progress?.elapsed ?? 0}
          onCancel={cancelExport}
          isCancelling={file.status === 'cancelling'}
        />
      )}
      {file.status === 'failed' && <ErrorNotice title="No file was written" error={file.error} />}
      {file.status === 'done' && (
        <>
          <p className="muted" role="status">
            {file.value.name}: {file.value.shape.map(integer).join(' × ')}, {bytes(file.value.bytes)}, of the{' '}
            {file.value.label}.
          </p>
          <div className="actions">
            <CsvButton
              look="plain"
              fileName={`${file.value.name.replace(/\.\w+$/, '')}-rows`}
              rows={() => statesRows(file.value.samples)}
            >
              Whose row is which (CSV)
            </CsvButton>
          </div>
        </>
      )}
    </Group>
  );
}
