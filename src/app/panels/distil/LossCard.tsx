import { methodOf } from '../../../contract/methods/index';
import { valueAt } from '../../store/draft';
import { useApp } from '../../store/use-app';
import { Formula } from '../../ui/Formula';
import { Panel } from '../../ui/Panel';

/** The loss of the chosen method, with its terms explained; a term with weight 0 is not computed. */
export function LossCard() {
  const draft = useApp((state) => state.draft);
  const methods = useApp((state) => state.methods);
  const { loss, terms, source } = methodOf(draft.method, methods);
  return (
    <Panel title="Loss" about={`Source: ${source}.`}>
      <Formula display tex={loss} />
      <dl className="terms">
        {terms.map(({ name, label, tex, about, source: from, weight }) => (
          <div key={name}>
            <dt>
              <strong>{label}</strong>
              <Formula tex={tex} />
            </dt>
            <dd className="help">
              {about} {from}.{valueAt(draft, weight) === 0 && ' Left out: its weight is 0.'}
            </dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}
