import type { ThoughtReport } from '../../../contract/thoughts';
import { seenThoughts } from '../../store/thoughts';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { CsvButton } from '../../ui/CsvButton';
import { probability, visibleToken } from '../../ui/format';
import { Scroller } from '../../ui/Scroller';

/** The logit lens: what each layer would say after each thought, layers up, thoughts to the right. */
export function LensGrid() {
  const latents = useApp((state) => state.latents);
  const { stepTo, showLayer } = useActions();
  const seen = seenThoughts(latents);
  const L = latents.session.value?.layers ?? 0;
  const shownLayer = latents.layer ?? L;
  if (seen.length === 0) return null;
  const show = (step: number, layer: number) => {
    showLayer(layer === L ? null : layer);
    if (step !== latents.step) void stepTo(step);
  };
  return (
    <>
      <h4>Logit lens</h4>
      <p className="help">
        The most probable token when the head reads a layer’s state at a position, with its probability. The
        last layer is the model’s own prediction. Choose a cell to see more.
      </p>
      <Scroller className="table-scroll" label="Logit lens">
        <table className="lens-grid">
          <caption className="visually-hidden">Layers up, thoughts to the right</caption>
          <thead>
            <tr>
              <th scope="col">Layer</th>
              {seen.map(({ step }) => (
                <th key={step} scope="col" className={step === latents.step ? 'is-shown' : ''}>
                  {step === 0 ? 'Question' : `z${step}`}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {Array.from({ length: L }, (_, i) => L - i).map((layer) => (
              <tr key={layer}>
                <th scope="row">{layer}</th>
                {seen.map((report) => (
                  <td key={report.step}>
                    <Cell
                      report={report}
                      layer={layer}
                      isShown={report.step === latents.step && layer === shownLayer}
                      onPress={() => show(report.step, layer)}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroller>
      <div className="actions">
        <CsvButton fileName="logit-lens" rows={() => lensRows(seen)}>
          Logit lens (CSV)
        </CsvButton>
      </div>
    </>
  );
}

/** All tokens that are known of every cell, a row each. */
const lensRows = (seen: readonly ThoughtReport[]): (string | number)[][] => [
  ['step', 'layer', 'rank', 'token', 'id', 'probability', 'entropy (nats)', 'norm of the state'],
  ...seen.flatMap(({ step, layers }) =>
    layers.flatMap(({ top, entropy, norm }, l) =>
      top.map(({ text, id, probability: share }, i) => [step, l + 1, i + 1, text, id, share, entropy, norm]),
    ),
  ),
];

interface CellProps {
  readonly report: ThoughtReport;
  readonly layer: number;
  readonly isShown: boolean;
  readonly onPress: () => void;
}

function Cell({ report, layer, isShown, onPress }: CellProps) {
  const [best] = report.layers[layer - 1]?.top ?? [];
  if (!best) return null;
  const where = report.step === 0 ? 'question' : `z${report.step}`;
  const token = visibleToken(best.text);
  return (
    <Button
      look="quiet"
      className={`lens-cell ${isShown ? 'is-shown' : ''}`}
      aria-pressed={isShown}
      onPress={onPress}
    >
      <span className="visually-hidden">
        Layer {layer}, {where}:{' '}
      </span>
      <span className="token">{token}</span>
      <span className="lens-share">{probability(best.probability)}</span>
      <span
        className="lens-fill"
        aria-hidden="true"
        style={{ width: `${(100 * best.probability).toFixed(1)}%` }}
      />
    </Button>
  );
}
