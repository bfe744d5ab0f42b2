import { Label, Slider, SliderOutput, SliderThumb, SliderTrack } from 'react-aria-components';
import { directionsKept } from '../../../../contract/causal';
import type { CausalPoint } from '../../../../contract/lens';
import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { percent } from '../../../ui/format';

/** Shows the accuracy at a rank, or measures it there with all other settings as in the test shown. */
export function RankReader({
  points,
  hidden,
  canMeasure,
}: {
  readonly points: readonly CausalPoint[];
  readonly hidden: number;
  /** Whether the model that the points were measured on is still available. */
  readonly canMeasure: boolean;
}) {
  const chosen = useApp((state) => state.lens.rank);
  const busy = useApp((state) => isBusy(state.lens.causal));
  const { readRank, runCausal } = useActions();
  const rank = Math.min(chosen ?? points[0]?.rank ?? 1, hidden);
  const at = (directions: CausalPoint['directions']) =>
    points.find((point) => point.rank === rank && point.directions === directions);
  const [leading, random, equal] = [at('leading'), at('random'), at('equal-energy')];
  const measured = [...new Set(points.map((point) => point.rank))];
  const below = measured.filter((one) => one < rank).at(-1);
  const above = measured.find((one) => one > rank);
  return (
    <div className="rank-reader">
      <Slider minValue={0} maxValue={hidden} step={1} value={rank} onChange={(value) => readRank(value)}>
        <div className="rank-reader-head">
          <Label>Rank r</Label>
          <SliderOutput>{`${rank} of ${hidden}`}</SliderOutput>
        </div>
        <SliderTrack className="slider-track">
          <SliderThumb className="slider-thumb" />
        </SliderTrack>
      </Slider>
      <p role="status">
        {leading ? (
          <>
            At rank {rank}: <strong>{said(leading)}</strong> with the leading directions
            {random && (
              <>
                , <strong>{said(random)}</strong> with as many random ones
              </>
            )}
            {equal && (
              <>
                , <strong>{said(equal)}</strong> with {directionsKept(equal)} random ones, which keep the same
                energy
              </>
            )}
            .
          </>
        ) : (
          `Rank ${rank} is not measured${below !== undefined && above !== undefined ? `; ${below} and ${above} are` : ''}.`
        )}
      </p>
      {!leading && canMeasure && (
        <Button isDisabled={busy} onPress={() => void runCausal([rank])}>
          Measure at rank {rank}
        </Button>
      )}
    </div>
  );
}

const said = ({ accuracy: { share, low, high } }: CausalPoint) =>
  `${percent(share)} (${percent(low, 0)} to ${percent(high, 0)})`;
