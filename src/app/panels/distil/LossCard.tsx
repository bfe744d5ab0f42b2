import { useApp } from '../../store/use-app';
import { Formula } from '../../ui/Formula';
import { Panel } from '../../ui/Panel';
import { METHOD_LOSS, TERM_TEXTS } from './formulas';

/** The loss of the chosen method and what each term of it is. */
export function LossCard() {
  const method = useApp((state) => state.draft.method);
  const explicit = useApp((state) => state.draft.weights.explicit);
  const { tex, terms } = METHOD_LOSS[method];
  return (
    <Panel title="Loss">
      <Formula display tex={tex} />
      <dl className="terms">
        {terms
          .filter((term) => term !== 'explicit' || explicit > 0)
          .map((term) => (
            <div key={term}>
              <dt>
                <strong>{TERM_TEXTS[term].label}</strong>
                <Formula tex={TERM_TEXTS[term].tex} />
              </dt>
              <dd className="help">{TERM_TEXTS[term].about}</dd>
            </div>
          ))}
      </dl>
    </Panel>
  );
}
