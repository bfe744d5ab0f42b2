import { unheardOf } from '../store/in-hand';
import { CANCEL_LIMIT } from '../store/task-driver';
import { useActions, useApp, useAppMade } from '../store/use-app';
import { Button } from '../ui/Button';
import { ErrorNotice, Notice } from '../ui/ErrorNotice';
import { ResumeOffer } from './ResumeOffer';

/** Messages about the whole page: an engine that died or does not respond, an unusable link, other notices. */
export function Notices() {
  const dead = useApp((state) => state.dead);
  const isHeapFull = useApp((state) => state.isHeapFull);
  const problems = useApp((state) => state.linkProblems);
  const notices = useApp((state) => state.notices);
  const panel = useApp((state) => state.link.panel);
  const [unheard] = useAppMade(unheardOf);
  const unloaded = useApp(({ device, pair }) =>
    device.status === 'failed' ? device.error : pair.status === 'failed' ? pair.error : null,
  );
  const { restart, dismiss, dismissLinkProblems, loadPair } = useActions();
  const restartButton = (
    <Button look="primary" onPress={() => void restart()}>
      Restart the engine
    </Button>
  );
  return (
    <>
      <ResumeOffer />
      {dead && (
        <ErrorNotice title="The engine has stopped" error={dead}>
          {restartButton}
        </ErrorNotice>
      )}
      {isHeapFull && !dead && (
        <ErrorNotice
          title="The engine has used up its memory"
          error={{
            name: 'HeapError',
            code: 'memory',
            message: 'WASM ran out of memory, and does not release it until the engine is restarted.',
            hint: 'Restart the engine to release it. Stored runs and settings are kept; the student in memory and opened models are lost.',
            stack: null,
          }}
        >
          {restartButton}
        </ErrorNotice>
      )}
      {unheard && !dead && (
        <ErrorNotice
          title="The engine does not respond to Cancel"
          error={{
            name: 'UnheardError',
            code: 'unheard',
            message: `“${unheard.label}” was cancelled more than ${CANCEL_LIMIT / 1000} seconds ago and is still running.`,
            hint: 'Wait a little longer, or restart the engine. Stored runs and settings are kept; the student in memory and opened models are lost.',
            stack: null,
          }}
        >
          {restartButton}
        </ErrorNotice>
      )}
      {unloaded && !dead && panel !== 'model' && (
        <ErrorNotice title="No models are loaded" error={unloaded}>
          <Button onPress={() => void loadPair()}>Try again</Button>
        </ErrorNotice>
      )}
      {problems.length > 0 && (
        <ErrorNotice
          title="Part of the link was not understood"
          error={{
            name: 'LinkError',
            code: 'link',
            message: problems.join('\n'),
            hint: 'The rest of the link was followed. Correct the address, or carry on from here.',
            stack: null,
          }}
        >
          <Button onPress={dismissLinkProblems}>Dismiss</Button>
        </ErrorNotice>
      )}
      {notices.map(({ id, kind, text }) => (
        <Notice key={id} kind={kind} onDismiss={() => dismiss(id)}>
          {text}
        </Notice>
      ))}
    </>
  );
}
