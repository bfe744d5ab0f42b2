import { isActive } from '../../store/run';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Panel } from '../../ui/Panel';
import { ExportModel } from '../shared/ExportModel';
import { ModelCard } from './ModelCard';
import { SourcesCard } from './sources/SourcesCard';

/** Another model, from wherever it comes, and what it is once it is open. */
export function OpenModelCard() {
  const opened = useApp((state) => state.lens.opened.value);
  const open = useApp((state) => state.sources.open);
  const training = useApp((state) => isActive(state.run));
  const { goTo, closeOpened } = useActions();
  return (
    <>
      <SourcesCard />
      {opened && (
        <>
          <ModelCard
            model={opened}
            {...(open && { source: open.label })}
            actions={
              <>
                <Button onPress={() => goTo('lowrank')}>See its hidden states</Button>
                <Button isDisabled={training} onPress={() => void closeOpened()}>
                  Close
                </Button>
              </>
            }
          />
          {/* An ONNX export has no matched tensors: its weights are not read. */}
          {opened.matched && (
            <Panel title="Export" about="The opened model, with its adapter merged if it has one.">
              <ExportModel subject={{ kind: 'opened' }} />
            </Panel>
          )}
        </>
      )}
    </>
  );
}
