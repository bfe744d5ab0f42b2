import type { ModelReport } from '../../../contract/events';
import { shorten } from '../../../text/quote';
import { DataTable } from '../../ui/DataTable';
import { bytes, integer, parameters } from '../../ui/format';
import { Facts, Figures, Panel } from '../../ui/Panel';
import { architectureRows } from './architecture';
import { MatchedTensors } from './MatchedTensors';
import { MemoryTable } from './MemoryTable';
import { ModelNotes } from './ModelNotes';
import { type MeasuredTable, measuredTable } from './measured';
import { StorageChoice } from './StorageChoice';

const ROLES: Readonly<Record<ModelReport['role'], { readonly title: string; readonly about: string }>> = {
  base: { title: 'Base', about: 'The student starts from these weights.' },
  teacher: { title: 'Teacher', about: 'Fine-tuned to reason in explicit steps; its weights are frozen.' },
  opened: { title: 'Opened', about: 'Opened from your files.' },
};

/** Maximum characters of a name from outside. */
const NAME = 80;

function adapterRow({ adapter }: ModelReport): [string, string][] {
  if (!adapter) return [];
  const { base, linears, ranks } = adapter;
  const rank = ranks.length > 0 ? ` of rank ${ranks.join(', ')}` : '';
  return [
    [
      'Adapter',
      `${integer(linears)} linears${rank}, merged into ${shorten(base, NAME)} as its weights are read`,
    ],
  ];
}

const MeasuredFigures = ({ measure, columns, rows }: MeasuredTable) => (
  <DataTable
    caption={`Measured on held-out problems${measure === '' ? '' : `: ${measure}`}`}
    columns={columns}
    rows={rows}
  />
);

export function ModelCard({
  model,
  source,
  actions,
}: {
  readonly model: ModelReport;
  /** Where it was downloaded from. */
  readonly source?: string;
  readonly actions?: React.ReactNode;
}) {
  const { title, about } = ROLES[model.role];
  const notes = model.notes ?? [];
  const table = measuredTable(model.measured);
  return (
    <Panel
      title={`${title}: ${shorten(model.name, NAME)}`}
      about={source === undefined ? about : `Opened from this browser’s storage: ${source}.`}
      actions={actions}
    >
      <Figures
        items={[
          { label: 'Parameters', value: parameters(model.parameters) },
          { label: 'File', value: bytes(model.bytes) },
          { label: 'Layers × hidden size', value: `${model.layers} × ${integer(model.hidden)}` },
        ]}
      />
      <Facts
        items={[
          ['Architecture', `${shorten(model.modelType, NAME)}, ${model.tied ? 'tied' : 'untied'} head`],
          ...(model.thoughts === undefined
            ? []
            : [['Reasons in', `${model.thoughts} latent thoughts; step through them in Latents`] as const]),
          ...adapterRow(model),
          ...architectureRows(model),
          ['Vocabulary', `${integer(model.vocabulary)} tokens`],
          ...(model.matched
            ? [
                [
                  'Matched',
                  `${integer(model.matched.tensors)} tensors, ${bytes(model.matched.bytes)}: everything the network needs`,
                ] as const,
              ]
            : []),
          ...(model.licence === '' ? [] : [['Licence', shorten(model.licence, NAME)] as const]),
          ...(table ? [] : model.measured.map(({ what, value }) => [`Measured: ${what}`, value] as const)),
          [
            model.sampled ? 'SHA-256 of a sample' : 'SHA-256',
            <code key="h" className="hash">
              {model.sha256}
            </code>,
          ],
        ]}
      />
      {table && <MeasuredFigures {...table} />}
      <MatchedTensors model={model} />
      {model.role === 'opened' && <MemoryTable model={model} />}
      {model.role === 'opened' && <StorageChoice model={model} />}
      {(model.role === 'opened' || notes.length > 0) && <ModelNotes notes={notes} />}
    </Panel>
  );
}
