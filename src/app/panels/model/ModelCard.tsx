import type { ModelReport } from '../../../contract/events';
import { bytes, integer, parameters } from '../../ui/format';
import { Facts, Figures, Panel } from '../../ui/Panel';

const ROLES: Readonly<Record<ModelReport['role'], string>> = {
  base: 'The student starts from these weights',
  teacher: 'Tuned to reason in explicit steps; frozen',
  opened: 'Opened from files, for the lens',
};

export function ModelCard({ model }: { readonly model: ModelReport }) {
  return (
    <Panel
      title={model.role === 'base' ? `Base: ${model.name}` : `Teacher: ${model.name}`}
      about={ROLES[model.role]}
    >
      <Figures
        items={[
          { label: 'Parameters', value: parameters(model.parameters) },
          { label: 'File', value: bytes(model.bytes) },
          { label: 'Blocks × hidden', value: `${model.layers} × ${integer(model.hidden)}` },
        ]}
      />
      <Facts
        items={[
          ['Architecture', `${model.modelType}, ${model.tied ? 'tied' : 'untied'} head`],
          ['Attention', `${model.heads} heads, ${model.kvHeads} for keys and values`],
          ['MLP', integer(model.intermediate)],
          ['Vocabulary', `${integer(model.vocabulary)} tokens`],
          ['Licence', model.licence],
          ...model.measured.map(({ what, value }) => [`Measured: ${what}`, value] as const),
          [
            'SHA-256',
            <code key="h" className="hash">
              {model.sha256}
            </code>,
          ],
        ]}
      />
    </Panel>
  );
}
