import { useMemo, useState } from 'react';
import { ablationsOf } from '../../../contract/ablations';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Choice } from '../../ui/Choice';
import { Panel } from '../../ui/Panel';

/** The ablations of the methods' papers: each fills the arena in, which then says what it takes. */
export function AblationCard({
  isDisabled,
  filled,
}: {
  readonly isDisabled: boolean;
  /** Id of the ablation that is filled in. */
  readonly filled: string | null;
}) {
  const methods = useApp((state) => state.methods);
  const { fillArena } = useActions();
  const ablations = useMemo(() => ablationsOf(methods), [methods]);
  const [chosen, choose] = useState<string | null>(null);
  const one = ablations.find(({ id }) => id === (chosen ?? filled)) ?? ablations[0];
  if (!one) return null;
  return (
    <Panel
      title="Ablations of the papers"
      about="Each is an arena with one thing varied, drawn against it. Filling it in replaces the arena; Undo brings the one before back."
    >
      <Choice
        label="Ablation"
        value={one.id}
        isDisabled={isDisabled}
        options={ablations.map(({ id, name }) => ({ id, label: name }))}
        onChange={choose}
      />
      <p className="help">
        {one.about} {one.points.length} contenders: {one.points.map(({ name }) => name).join(', ')}. Headless:{' '}
        <code>npm run lab -- arena --ablation {one.id}</code>
      </p>
      <div className="actions">
        <Button isDisabled={isDisabled} onPress={() => fillArena(one.id)}>
          Fill in this ablation
        </Button>
      </div>
    </Panel>
  );
}
