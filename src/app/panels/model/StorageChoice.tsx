import type { ModelReport } from '../../../contract/events';
import {
  STORAGE_NAMES,
  STORAGE_SHORT,
  type StorageErrors,
  WEIGHT_STORAGES,
} from '../../../contract/weight-storage';
import { inHand } from '../../store/in-hand';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Segments } from '../../ui/Choice';
import { DataTable } from '../../ui/DataTable';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { Progress } from '../../ui/Progress';
import { UndoButtons } from '../../ui/UndoButtons';
import { errorRows, rankRows, storageNotes } from './storage-errors';
import { WantedNotice } from './WantedNotice';

const HELP =
  'The matrices of the layers can take 16, 9 or 5 bits per weight instead of 32 (by blocks, a scale included). Each product first converts its matrix to float32, so reading is slower, and generating text much slower in 8 or 4 bits. Embeddings, norms, biases and the head stay float32; on WebGPU a head of more than 32 MiB is kept in 16 bits with them.';
const ON_WASM =
  '16 bits are float16, which holds a bfloat16 checkpoint’s values except magnitudes below 8e-6; in training by layers they are fixed-point by blocks, 17 per weight, which holds those of at least 1/128 of their block’s largest.';
const ON_GPU =
  'On WebGPU 16 bits are fixed-point by blocks (17 per weight), since a device need not have 16-bit floats: a bfloat16 checkpoint’s values except those below 1/128 of their block’s largest.';

/** How an opened model's matrices are kept, and what fewer bits change. */
export function StorageChoice({ model }: { readonly model: ModelReport }) {
  const provider = useApp((state) => state.device.value?.provider);
  const task = useApp((state) => state.lens.storage);
  const working = useApp((state) => inHand(state).length > 0);
  const wanted = useApp((state) => state.wanted.storage);
  const canUndo = useApp((state) => state.lens.storages.past.length > 0);
  const canRedo = useApp((state) => state.lens.storages.future.length > 0);
  const { storeWeights, measureStorage, cancelStorage, declineDevice, undoStorage, redoStorage } =
    useActions();
  if (provider === undefined || model.storage === undefined) return null;
  return (
    <section className="model-notes" aria-label="Storage of weights">
      <h4>Storage of weights</h4>
      {wanted !== null && wanted !== model.storage && (
        <WantedNotice
          asks={`layer matrices in ${STORAGE_SHORT[wanted]}`}
          costs="Storing them so reads the model’s files again."
          take={`Store them in ${STORAGE_SHORT[wanted]}`}
          isDisabled={working}
          onTake={() => void storeWeights(wanted)}
          onDecline={() => declineDevice('storage')}
        />
      )}
      <Segments
        label="Matrices of the layers"
        value={model.storage}
        isDisabled={working}
        options={WEIGHT_STORAGES.map((id) => ({ id, label: STORAGE_NAMES[id] }))}
        onChange={(next) => void storeWeights(next)}
      />
      <div className="actions">
        <UndoButtons
          of="storage of weights"
          canUndo={canUndo && !working}
          canRedo={canRedo && !working}
          undo={undoStorage}
          redo={redoStorage}
        />
      </div>
      <p className="muted">
        {HELP} {provider === 'webgpu' ? ON_GPU : ON_WASM}
      </p>
      {isBusy(task) ? (
        <Progress
          label="Reading a short text with each"
          {...task.progress}
          onCancel={cancelStorage}
          cancelLabel="Cancel the measurement"
          isCancelling={task.status === 'cancelling'}
        />
      ) : (
        <div className="actions">
          <Button isDisabled={working} onPress={() => void measureStorage()}>
            {task.value ? 'Measure again' : 'Measure what fewer bits change'}
          </Button>
        </div>
      )}
      {task.status === 'failed' && <ErrorNotice title="The change was not measured" error={task.error} />}
      {task.value && <Errors errors={task.value} />}
    </section>
  );
}

function Errors({ errors }: { readonly errors: StorageErrors }) {
  const { layers, reference } = errors;
  const own = reference && STORAGE_SHORT[reference.storage];
  return (
    <>
      <p role="status">
        {reference
          ? `Errors are relative to ${own}${reference.storage === 'half' ? ' (float16, which holds this checkpoint’s values but for the smallest, and fits where float32 does not)' : ''}: of hidden states of ${reference.tokens} tokens, and of the matrices of the layers ${layers.join(', ')}.`
          : `Nothing close enough to the checkpoint’s own values fits, so hidden states cannot be compared: only the matrices of the layers ${layers.join(', ')} are.`}{' '}
        {storageNotes(errors).join(' ')}
      </p>
      <DataTable
        caption="What fewer bits change"
        columns={['Stored in', 'Matrices', 'Hidden states', 'Most in layer', 'Ranks of layers']}
        rows={errorRows(errors)}
      />
      {reference && (
        <DataTable
          caption={`Median rank that holds a share of the energy of a layer’s hidden states, and layers whose rank differs, of the text “${reference.text}”`}
          columns={['Energy', `${own}`, ...errors.storages.map(({ storage }) => STORAGE_SHORT[storage])]}
          rows={rankRows(errors)}
        />
      )}
    </>
  );
}
