import { useRef } from 'react';
import type { DeviceReport, ModelReport } from '../../../contract/events';
import {
  estimateAsRun,
  firstLayers,
  layersThatFit,
  type MemoryEstimate,
  type ModelSizes,
  type Purpose,
  storageThatFits,
  whatFits,
} from '../../../contract/memory';
import { exportMemory, exportSentence, SMALLER_EXPORT } from '../../../contract/memory-export';
import { STORAGE_SHORT } from '../../../contract/weight-storage';
import { initialMemory, memoryErrors, memoryRanges } from '../../store/memory-draft';
import { useActions, useApp } from '../../store/use-app';
import { DataTable } from '../../ui/DataTable';
import { Notice } from '../../ui/ErrorNotice';
import { bytes, duration } from '../../ui/format';
import { FormUndo } from '../shared/FormUndo';
import { RangedField } from '../shared/RangedField';
import { memoryWarning, reportedMemory } from './device-memory';

const NAMES: Readonly<Record<Purpose['kind'], string>> = {
  see: 'Hidden states',
  generate: 'Generation',
  distil: 'Training step',
};
/** Rank of the adapters that training is estimated with. */
const RANK = 8;

/** What an ONNX export will take, of whose parts only the weights are known. */
export function ExportLine({ size }: { readonly size: number }) {
  const provider = useApp((state) => state.device.value?.provider);
  if (provider === undefined) return null;
  const memory = exportMemory(size, provider);
  return (
    <p className={memory.fits ? 'help' : 'field-error'}>
      {exportSentence(memory)} {!memory.fits && SMALLER_EXPORT}
    </p>
  );
}

/** What the model will take on the device that is open, before anything is run. */
export function MemoryTable({
  model,
  reported = reportedMemory(),
}: {
  readonly model: ModelReport;
  /** Memory of the device in GB, as the browser reports it. */
  readonly reported?: number | undefined;
}) {
  const provider = useApp((state) => state.device.value?.provider);
  const { sequences, tokens, layers: chosen } = useApp((state) => state.forms.memory.draft);
  const { changeForm } = useActions();
  const form = useRef<HTMLElement>(null);
  if (provider === undefined) return null;
  if (model.headDim === undefined) return <ExportLine size={model.bytes} />;
  const sizes = { sequences, tokens };
  const layers = chosen ?? model.layers;
  const ranges = memoryRanges(model.layers);
  const errors = memoryErrors({ ...sizes, layers }, model.layers);
  const valid = errors.size === 0;
  const purposes: readonly Purpose[] = [
    { kind: 'see', ...sizes, layers: { run: layers, kept: layers } },
    { kind: 'generate', ...sizes },
    { kind: 'distil', ...sizes, rank: RANK },
  ];
  const estimates = valid ? purposes.map((purpose) => estimateAsRun(model, provider, purpose)) : [];
  const warning = memoryWarning(
    Object.fromEntries(estimates.map((estimate) => [NAMES[estimate.purpose.kind], estimate])),
    reported,
  );
  const row = (estimate: MemoryEstimate, i: number): readonly string[] => {
    const purpose = purposes[i] as Purpose;
    const { parts, seconds } = estimate;
    return [
      NAMES[purpose.kind],
      bytes(parts.weights),
      bytes(parts.activations + parts.adapters),
      totalText(estimate),
      seconds === undefined ? 'not known' : `about ${duration(1000 * seconds)}`,
      fitsText(estimate) ?? `no: ${instead(model, provider, purpose)}`,
    ];
  };
  return (
    <section className="model-notes" aria-label="Memory" ref={form}>
      <h4>Estimated memory</h4>
      <div className="memory-sizes">
        <RangedField
          label="Batch size"
          whole
          unit="sequences"
          range={ranges.sequences}
          usual={initialMemory.sequences}
          value={sequences}
          onChange={(next) => changeForm('memory', { sequences: next })}
          error={errors.get('sequences')}
        />
        <RangedField
          label="Tokens per sequence"
          whole
          unit="tokens"
          range={ranges.tokens}
          usual={initialMemory.tokens}
          value={tokens}
          onChange={(next) => changeForm('memory', { tokens: next })}
          error={errors.get('tokens')}
        />
        <RangedField
          label="Hidden states up to layer"
          whole
          range={ranges.layers}
          usual={`${model.layers}, the last`}
          value={layers}
          onChange={(next) => changeForm('memory', { layers: next })}
          error={errors.get('layers')}
        />
      </div>
      <div className="actions">
        <FormUndo name="memory" form={form} />
      </div>
      {valid && (
        <DataTable
          caption={
            provider === 'wasm'
              ? `WASM, 4.3 GB at most, ${storedText(model)}. Times are for one thread, including loading; for training, one step; by layers it is slower, and has its weights outside WASM. A second figure includes programs of earlier requests, which are kept until memory is needed.`
              : `WebGPU, ${storedText(model)}. The browser does not report how much memory the GPU has. A second figure includes the head, which stays on the device once a text has been generated.`
          }
          columns={['For', 'Weights', 'Activations, adapters', 'Total, page included', 'Time', 'Fits']}
          rows={estimates.map(row)}
        />
      )}
      {warning && <Notice kind="warning">{warning}</Notice>}
    </section>
  );
}

const storedText = ({ storage = 'f32' }: ModelReport): string =>
  storage === 'f32' ? 'weights in float32' : `layer matrices in ${STORAGE_SHORT[storage]}`;

function totalText({ parts, total, kept }: MemoryEstimate): string {
  const outside = parts.host > 0 ? `, ${bytes(parts.host)} of it outside WASM` : '';
  const most = kept > 0.05 * total ? `, up to ${bytes(total + kept)}` : '';
  return bytes(total) + outside + most;
}

/** Whether it fits and how; undefined if it does not. */
function fitsText({ available, fits, purpose }: MemoryEstimate): string | undefined {
  if (available === undefined) return 'not known';
  if (!fits) return undefined;
  return purpose.kind === 'distil' && purpose.composition === 'layerwise' ? 'yes, by layers' : 'yes';
}

/**
 * What would fit: the same with other weights, or less of it; of training both, since it would round the weights. Fewer layers, which
 * round nothing, are named beside either.
 */
function instead(model: ModelSizes, provider: DeviceReport['provider'], purpose: Purpose): string {
  const storage = storageThatFits(model, provider, purpose);
  const other = whatFits(model, provider, purpose);
  const stored = storage && `it would with layer matrices in ${STORAGE_SHORT[storage]}`;
  const size = other && `${other.sequences} × ${other.tokens} tokens would fit`;
  if (purpose.kind === 'distil' && stored)
    return [size, `${stored}, trained on as they are rounded`]
      .filter((text) => text !== undefined)
      .join('; ');
  const layers = layersThatFit(model, provider, purpose);
  const fewer = layers && `states of ${firstLayers(layers)} would fit`;
  const found = [stored ?? size, fewer].filter((text) => text !== undefined);
  return found.length > 0 ? found.join('; ') : 'choose WebGPU, or a smaller checkpoint';
}
