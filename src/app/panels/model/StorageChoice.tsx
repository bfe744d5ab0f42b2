import type { ModelReport } from '../../../contract/events';
import { STORAGE_NAMES, type StorageErrors, WEIGHT_STORAGES } from '../../../contract/weight-storage';
import { inHand } from '../../store/in-hand';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Segments } from '../../ui/Choice';
import { DataTable } from '../../ui/DataTable';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { Progress } from '../../ui/Progress';
import { errorText, rankRows } from './storage-errors';

const HELP =
  'In 8 bits the matrices of the layers take 9 bits a weight instead of 32. Each product makes float32 values of its matrix first, so that reading is slower and text much slower. Embeddings, norms, biases and the head stay float32, and training by layers uses float32.';
const ON_GPU =
  'On WebGPU a matrix in 8 bits is part of each program that reads it; in float32 it is on the device once, for all of them.';

/** How an opened model's matrices are kept, and what 8 bits change. */
export function StorageChoice({ model }: { readonly model: ModelReport }) {
  const provider = useApp((state) => state.device.value?.provider);
  const task = useApp((state) => state.lens.storage);
  const working = useApp((state) => inHand(state).length > 0);
  const { storeWeights, measureStorage, cancelStorage } = useActions();
  if (provider === undefined || model.storage === undefined) return null;
  return (
    <section className="model-notes" aria-label="Storage of weights">
      <h4>Storage of weights</h4>
      <Segments
        label="Matrices of the layers"
        value={model.storage}
        isDisabled={working}
        options={WEIGHT_STORAGES.map((id) => ({ id, label: STORAGE_NAMES[id] }))}
        onChange={(next) => void storeWeights(next)}
      />
      <p className="muted">
        {HELP} {provider === 'webgpu' && ON_GPU}
      </p>
      {isBusy(task) ? (
        <Progress
          label="Reading a short text with both"
          {...task.progress}
          onCancel={cancelStorage}
          cancelLabel="Cancel the measurement"
          isCancelling={task.status === 'cancelling'}
        />
      ) : (
        <Button isDisabled={working} onPress={() => void measureStorage()}>
          {task.value ? 'Measure again' : 'Measure what 8 bits change'}
        </Button>
      )}
      {task.status === 'failed' && <ErrorNotice title="The change was not measured" error={task.error} />}
      {task.value && <Errors errors={task.value} />}
    </section>
  );
}

function Errors({ errors }: { readonly errors: StorageErrors }) {
  const { weights, states } = errors;
  return (
    <>
      <p role="status">
        {states
          ? `Hidden states of ${states.tokens} tokens differ by ${errorText(states.error)} of their norm, most in layer ${states.largest.layer} (${errorText(states.largest.error)}).`
          : 'This model does not fit as float32, so that hidden states cannot be compared: only the weights are.'}{' '}
        Matrices of the layers {weights.layers.join(', ')} differ by {errorText(weights.error)}.
      </p>
      {states && (
        <DataTable
          caption={`Ranks that hold a share of the energy of a layer’s hidden states, of the text “${states.text}”`}
          columns={['Energy', 'float32, median', '8 bits, median', 'Layers whose rank differs']}
          rows={rankRows(states)}
        />
      )}
    </>
  );
}
