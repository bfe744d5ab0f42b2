import { useState } from 'react';
import type { DeviceReport, ModelReport } from '../../../contract/events';
import {
  estimateMemory,
  type MemoryEstimate,
  type ModelSizes,
  type Purpose,
  storageThatFits,
  whatFits,
} from '../../../contract/memory';
import { STORAGE_SHORT } from '../../../contract/weight-storage';
import { useApp } from '../../store/use-app';
import { DataTable } from '../../ui/DataTable';
import { NumberField } from '../../ui/Field';
import { bytes, duration } from '../../ui/format';

const NAMES: Readonly<Record<Purpose['kind'], string>> = {
  see: 'Hidden states',
  generate: 'Generation',
  distil: 'Training step',
};
/** Rank of the adapters that training is estimated with. */
const RANK = 8;
const MAX = 1_000_000;

const isCount = (value: number): boolean => Number.isInteger(value) && value > 0 && value <= MAX;

/** What the model will take on the device that is open, before anything is run. */
export function MemoryTable({ model }: { readonly model: ModelReport }) {
  const provider = useApp((state) => state.device.value?.provider);
  const [sequences, setSequences] = useState(4);
  const [tokens, setTokens] = useState(64);
  if (provider === undefined || model.headDim === undefined) return null;
  const sizes = { sequences, tokens };
  const valid = isCount(sequences) && isCount(tokens);
  const estimates = valid
    ? [
        estimateMemory(model, provider, { kind: 'see', ...sizes }),
        estimateMemory(model, provider, { kind: 'generate', ...sizes }),
        estimateMemory(model, provider, { kind: 'distil', ...sizes, rank: RANK }),
      ]
    : [];
  const cell = (estimate: MemoryEstimate): readonly string[] => {
    const { purpose, parts, total, kept, fits, seconds } = estimate;
    return [
      NAMES[purpose.kind],
      bytes(parts.weights),
      bytes(parts.activations + parts.adapters),
      kept > 0.05 * total ? `${bytes(total)}, up to ${bytes(total + kept)}` : bytes(total),
      seconds === undefined ? 'not known' : `about ${duration(1000 * seconds)}`,
      fits ? 'yes' : `no: ${instead(model, provider, purpose)}`,
    ];
  };
  return (
    <section className="model-notes" aria-label="Memory">
      <h4>Estimated memory</h4>
      <div className="memory-sizes">
        <NumberField
          label="Batch size"
          whole
          value={sequences}
          onChange={setSequences}
          {...(!isCount(sequences) && { error: `A whole number from 1 to ${MAX}.` })}
        />
        <NumberField
          label="Tokens per sequence"
          whole
          value={tokens}
          onChange={setTokens}
          {...(!isCount(tokens) && { error: `A whole number from 1 to ${MAX}.` })}
        />
      </div>
      {valid && (
        <DataTable
          caption={
            provider === 'wasm'
              ? `WASM, 4.3 GB at most, ${storedText(model)}. Times are for one thread, including loading; for training, one step as one program. A second figure includes programs of earlier requests, which are kept until memory is needed.`
              : `WebGPU, ${storedText(model)}. The browser does not report how much memory the GPU has. A second figure includes the head, which stays on the device once a text has been generated.`
          }
          columns={['For', 'Weights', 'Activations, adapters', 'Total, page included', 'Time', 'Fits']}
          rows={estimates.map(cell)}
        />
      )}
    </section>
  );
}

const storedText = ({ storage = 'f32' }: ModelReport): string =>
  storage === 'f32' ? 'weights in float32' : `layer matrices in ${STORAGE_SHORT[storage]}`;

/** What would fit: the same with other weights, or less of it. */
function instead(model: ModelSizes, provider: DeviceReport['provider'], purpose: Purpose): string {
  const storage = storageThatFits(model, provider, purpose);
  if (storage) return `it would with layer matrices in ${STORAGE_SHORT[storage]}`;
  const other = whatFits(model, provider, purpose);
  return other
    ? `${other.sequences} × ${other.tokens} tokens would fit`
    : 'choose WebGPU, or a smaller checkpoint';
}
