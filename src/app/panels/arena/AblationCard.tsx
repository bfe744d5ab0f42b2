import { useMemo, useState } from 'react';
import { ABLATION_SEEDS, ablationsOf } from '../../../contract/ablations';
import type { Arena } from '../../../contract/arena';
import { fewSeeds } from '../../../contract/arena-table';
import type { ArenaCost } from '../../store/arena';
import { isActive } from '../../store/run';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { useSettled } from '../../store/use-settled';
import { Button } from '../../ui/Button';
import { Choice } from '../../ui/Choice';
import { Panel } from '../../ui/Panel';
import { costWords } from './words';

/** The ablations of the methods' papers: one press runs one, unless that would replace results, which takes a second. */
export function AblationCard({ arena }: { readonly arena: Arena }) {
  const methods = useApp((state) => state.methods);
  const busy = useApp((state) => isBusy(state.arena.task));
  const ablations = useMemo(() => ablationsOf(methods), [methods]);
  const [chosen, choose] = useState<string | null>(null);
  const filled = arena.axis?.ablation ?? null;
  const one = ablations.find(({ id }) => id === (chosen ?? filled)) ?? ablations[0];
  if (!one) return null;
  const { id, points } = one;
  return (
    <Panel
      title="Ablations of the papers"
      about="Each is an arena with one thing varied, drawn against it. It takes the place of the contenders and seeds above; Undo brings them back, with their results, until a run of it has ended."
    >
      <Choice
        label="Ablation"
        value={id}
        isDisabled={busy}
        options={ablations.map(({ id: own, name }) => ({ id: own, label: name }))}
        onChange={choose}
      />
      <p className="help">
        {one.about} {points.length} contenders: {points.map(({ name }) => name).join(', ')}. Headless:{' '}
        <code>npm run lab -- arena --ablation {id}</code>
      </p>
      {filled === id ? (
        <p className="help">It is in the form above: started, gone on with and changed there.</p>
      ) : (
        <Start id={id} comparisons={points.length - 1} results={arena.runs.length} />
      )}
    </Panel>
  );
}

function Start({
  id,
  comparisons,
  results,
}: {
  /** Of the ablation. */
  readonly id: string;
  readonly comparisons: number;
  /** Runs of the arena that is there. */
  readonly results: number;
}) {
  const busy = useApp((state) => isBusy(state.arena.task));
  const isTraining = useApp((state) => isActive(state.run));
  const cost = useAblationCost(id, busy || isTraining);
  const { fillArena, runAblation } = useActions();
  const powerless = fewSeeds(ABLATION_SEEDS.length, comparisons);
  return (
    <>
      {cost && (
        <p className="help" role="status">
          {costWords(cost)}
        </p>
      )}
      {powerless !== '' && <p className="help">{powerless}</p>}
      {results > 0 && (
        <p className="help">
          The arena has {results === 1 ? '1 result' : `${results} results`}, which this replaces: it is filled
          in first, and started above.
        </p>
      )}
      <div className="actions">
        {results === 0 && (
          <Button isDisabled={busy || isTraining} onPress={() => void runAblation(id)}>
            Run this ablation
          </Button>
        )}
        <Button isDisabled={busy} onPress={() => fillArena(id)}>
          {results === 0 ? 'Only fill it in' : 'Fill in this ablation'}
        </Button>
      </div>
    </>
  );
}

/** What all runs of an ablation take; not asked for while the engine trains. */
function useAblationCost(id: string, isBusyNow: boolean): ArenaCost | null {
  const isReady = useApp((state) => state.pair.status === 'done' && state.device.status === 'done');
  const heldOut = useApp((state) => state.arena.heldOut);
  const { ablationCost } = useActions();
  const [found, setFound] = useState<{ readonly id: string; readonly cost: ArenaCost | null } | null>(null);
  useSettled(
    async (isCurrent) => {
      if (!isReady || isBusyNow) return;
      const cost = await ablationCost(id);
      if (isCurrent()) setFound({ id, cost });
    },
    [id, isReady, isBusyNow, heldOut],
  );
  return found?.id === id ? found.cost : null;
}
