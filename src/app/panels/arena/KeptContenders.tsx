import { useState } from 'react';
import { type Arena, MAX_CONTENDERS } from '../../../contract/arena';
import { termsOf } from '../../../contract/arena-kept';
import { keptChoices, refusedBefore } from '../../store/arena-kept-actions';
import { runName } from '../../store/run-names';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Choice } from '../../ui/Choice';
import { RemoveButton } from './RemoveButton';

/** Kept students that are set beside the contenders: they answer the same problems and are not trained. */
export function KeptContenders({
  arena,
  isDisabled,
}: {
  readonly arena: Arena;
  readonly isDisabled: boolean;
}) {
  const saved = useApp((state) => state.saved);
  const kept = useApp((state) => state.kept);
  const underWay = useApp((state) => state.underWay);
  const own = useApp((state) => state.arena);
  const methods = useApp((state) => state.methods);
  const { addKeptToArena } = useActions();
  const [wanted, want] = useState<string | null>(null);
  const choices = keptChoices({ saved, kept, arena: own });
  const chosen = choices.find(({ id }) => id === wanted) ?? choices[0];
  const terms = termsOf(arena);
  if (!chosen && own.kept.length === 0) return null;
  return (
    <>
      {own.kept.map((one) => {
        const hasAnswered = own.runs.some(({ name }) => name === one.name);
        const refused = hasAnswered ? null : refusedBefore(one, terms, { saved, kept, underWay });
        return (
          <div key={one.name} className="arena-other">
            {one.name}: kept student, trained on seed {one.seed} <RemoveButton name={one.name} />
            {refused !== null && (
              <p className="field-error">It will not be set beside the others: {refused}.</p>
            )}
          </div>
        );
      })}
      {chosen && (
        <>
          <Choice
            label="Kept student"
            value={chosen.id}
            isDisabled={isDisabled}
            options={choices.map((run) => ({ id: run.id, label: runName(run, methods) }))}
            onChange={want}
            help="It answers the contenders’ held-out problems and is not trained here."
          />
          <div className="actions">
            <Button
              isDisabled={isDisabled || own.kept.length >= MAX_CONTENDERS}
              onPress={() => addKeptToArena(chosen.id)}
            >
              Add this kept student
            </Button>
          </div>
        </>
      )}
    </>
  );
}
