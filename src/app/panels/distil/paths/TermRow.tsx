import { settingsOf } from '../../../../contract/config';
import { isLeftOut } from '../../../../contract/methods/idle';
import type { LossTerm, MethodData } from '../../../../contract/methods/method';
import { rangeText } from '../../../../contract/settings';
import type { Mark } from '../../../charts/marks';
import { Sparkline } from '../../../charts/Sparkline';
import { valueAt } from '../../../store/draft';
import { useActions, useApp } from '../../../store/use-app';
import { NumberField } from '../../../ui/Field';
import { Formula } from '../../../ui/Formula';
import { seatWords } from './words';

/** A loss term: formula, where it sits, its weight, and its curve so far. */
export function TermRow({
  term,
  method,
  number,
  error,
  curve,
  marks,
  isDisabled,
  onPoint,
}: {
  readonly term: LossTerm;
  readonly method: MethodData;
  /** Its number in the drawing. */
  readonly number: number;
  readonly error: string | undefined;
  /** Of the run of this method; null without one. */
  readonly curve: { readonly x: readonly number[]; readonly y: readonly number[] } | null;
  readonly marks: readonly Mark[];
  readonly isDisabled: boolean;
  readonly onPoint: (term: string | null) => void;
}) {
  const draft = useApp((state) => state.draft);
  const { setField } = useActions();
  const { name, label, tex, unit, about, source, weight } = term;
  const setting = settingsOf(method)
    .flatMap(({ settings }) => settings)
    .find(({ path }) => path === weight);
  const point = () => onPoint(name);
  const leave = () => onPoint(null);
  const hasCurve = curve !== null && curve.y.length > 0;
  return (
    <li className="term" onPointerEnter={point} onPointerLeave={leave} onFocus={point} onBlur={leave}>
      <span className="term-number" aria-hidden="true">
        {number}
      </span>
      <div className="term-what">
        <strong>{label}</strong>
        <Formula display tex={tex} />
        <p className="help">
          {about} {seatWords(term, method, draft)} Source: {source}.
          {isLeftOut(term, draft) && ' Left out: its weight is 0.'}
        </p>
      </div>
      <NumberField
        label={`Weight of ${label}`}
        tex={setting?.tex}
        unit={setting?.unit}
        limits={setting && { range: rangeText(setting), usual: String(setting.default) }}
        error={error}
        isDisabled={isDisabled}
        value={valueAt(draft, weight) as number}
        onChange={(next) => setField(weight, next)}
      />
      <div className="term-curve">
        {hasCurve && (
          <>
            <Sparkline name={label} x={curve.x} y={curve.y} marks={marks} />
            <span className="help">{unit}</span>
          </>
        )}
      </div>
    </li>
  );
}
