import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { ModelCard } from './ModelCard';
import { SourcesCard } from './sources/SourcesCard';

/** Another model, from wherever it comes, and what it is once it is open. */
export function OpenModelCard() {
  const opened = useApp((state) => state.lens.opened.value);
  const open = useApp((state) => state.sources.open);
  const { goTo } = useActions();
  return (
    <>
      <SourcesCard />
      {opened && (
        <ModelCard
          model={opened}
          {...(open && { source: open.label })}
          actions={<Button onPress={() => goTo('lowrank')}>See its hidden states</Button>}
        />
      )}
    </>
  );
}
