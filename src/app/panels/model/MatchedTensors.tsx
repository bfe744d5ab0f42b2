import { useState } from 'react';
import type { ModelReport, TensorUse } from '../../../contract/events';
import { CsvButton } from '../../ui/CsvButton';
import { DataTable } from '../../ui/DataTable';
import { matchedCaption, matchedRows } from './matched-tensors';

/** Which tensor of the files is used as what: a table that is made when it is opened. */
export function MatchedTensors({ model }: { readonly model: ModelReport }) {
  const [isOpen, setOpen] = useState(false);
  const list = model.matched?.list;
  if (!list) return null;
  return (
    <details className="model-tensors" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>What each tensor is used as</summary>
      {isOpen && <Table model={model} list={list} />}
    </details>
  );
}

function Table({ model, list }: { readonly model: ModelReport; readonly list: readonly TensorUse[] }) {
  const table = matchedRows(list);
  return (
    <>
      <DataTable caption={matchedCaption(model, list)} max={list.length} {...table} />
      <div className="actions">
        <CsvButton
          title="Matched tensors"
          fileName="matched-tensors"
          rows={() => [table.columns, ...table.rows]}
        />
      </div>
    </>
  );
}
