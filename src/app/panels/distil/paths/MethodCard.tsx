import './paths.css';
import { useMemo, useRef, useState } from 'react';
import { methodOf } from '../../../../contract/methods/index';
import { draftErrors } from '../../../store/draft';
import { useApp } from '../../../store/use-app';
import { Formula } from '../../../ui/Formula';
import { Panel } from '../../../ui/Panel';
import { useThrottled } from '../../../ui/use-throttled';
import { marksOf, stagesOfRun } from '../stages';
import { drawPaths } from './layout';
import { PathDrawing } from './PathDrawing';
import { PathFiles } from './PathFiles';
import { TermRow } from './TermRow';
import { pathWords } from './words';

/** Milliseconds between two updates of the small curves. */
const SLOW = 1000;

/**
 * The chosen method: the sequences of a training step with its losses where they sit, and each term with its formula, its weight and
 * its curve in the run of this method. All of it is read from the method's data.
 */
export function MethodCard({ isDisabled }: { readonly isDisabled: boolean }) {
  const draft = useApp((state) => state.draft);
  const methods = useApp((state) => state.methods);
  const series = useThrottled(
    useApp((state) => state.run.series),
    SLOW,
  );
  const config = useApp((state) => state.run.config);
  const [pointed, setPointed] = useState<string | null>(null);
  const [problem, setProblem] = useState('');
  const svg = useRef<SVGSVGElement>(null);
  const method = methodOf(draft.method, methods);
  const drawing = useMemo(() => drawPaths(method, draft), [method, draft]);
  const words = useMemo(() => pathWords(method, draft), [method, draft]);
  const errors = useMemo(() => draftErrors(draft, methods), [draft, methods]);
  const marks = useMemo(
    () => marksOf(stagesOfRun(config, methods), series.step.at(-1) ?? 0),
    [config, methods, series.step],
  );
  const title = `Paths of ${method.label}`;
  const isOwn = config?.method === draft.method;
  return (
    <Panel
      title={`${method.label}: paths and loss`}
      about={`${method.about} Source: ${method.source}.`}
      actions={<PathFiles {...{ method, title, svg }} config={draft} onProblem={setProblem} />}
    >
      <PathDrawing drawing={drawing} label={title} pointed={pointed} svg={svg} />
      {problem !== '' && (
        <p className="field-error" role="status">
          {problem}
        </p>
      )}
      <p className="help">
        Square boxes are text, dashed ones added tokens with embeddings of their own, round ones vectors that
        are fed back. A number marks a loss term of the list below. A line joins a distance to the states that
        it is measured against; a bar at its end stops the gradient.
      </p>
      <details>
        <summary>The drawing in words</summary>
        <ul className="path-words">
          {words.map(({ id, text }) => (
            <li key={id}>{text}</li>
          ))}
        </ul>
      </details>
      <Formula display tex={method.loss} />
      {!isOwn && <p className="help">In a run of this method each term’s curve appears beside its weight.</p>}
      <ol className="terms">
        {method.terms.map((term, i) => (
          <TermRow
            key={`${method.id}.${term.name}`}
            {...{ term, method, isDisabled, marks }}
            number={i + 1}
            error={errors.get(term.weight)}
            curve={isOwn ? { x: series.step, y: series.losses[term.name] ?? [] } : null}
            onPoint={setPointed}
          />
        ))}
      </ol>
    </Panel>
  );
}
