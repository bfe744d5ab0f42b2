import './model.css';
import { PHASES } from '../../store/in-hand';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Empty } from '../../ui/Panel';
import { KnownWords } from '../shared/KnownWords';
import { TaskStatus } from '../shared/TaskStatus';
import { CheckCard } from './CheckCard';
import { DeviceCard } from './DeviceCard';
import { ModelCard } from './ModelCard';
import { OpenModelCard } from './OpenModelCard';

/** What is loaded, and on what it runs. */
export function ModelPanel() {
  const pair = useApp((state) => state.pair);
  const { loadPair, cancelPair } = useActions();
  const load = (
    <Button look="primary" onPress={() => void loadPair()}>
      Load the bundled pair
    </Button>
  );
  return (
    <div className="place model-place">
      <div className="main">
        {pair.status === 'idle' && !pair.value && (
          <Empty action={load}>
            No models are loaded. The bundled pair is a small base model and the teacher fine-tuned from it.
          </Empty>
        )}
        <TaskStatus
          task={pair}
          label={pair.progress ? PHASES[pair.progress.phase] : 'Loading the pair'}
          onCancel={cancelPair}
          cancelLabel="Cancel loading"
          failed="The bundled pair was not loaded"
        >
          <Button onPress={() => void loadPair()}>Try again</Button>
        </TaskStatus>
        <OpenModelCard />
        {pair.value && (
          <>
            <div className="columns-2">
              {pair.value.models.map((model) => (
                <ModelCard key={model.name} model={model} />
              ))}
            </div>
            <KnownWords />
            <p className="muted">
              Data: {pair.value.dataset}. Loaded in {pair.value.seconds.toFixed(1)} s.
            </p>
          </>
        )}
      </div>
      <div className="main">
        <DeviceCard />
        <CheckCard />
      </div>
    </div>
  );
}
