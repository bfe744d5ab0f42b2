import { STORAGE_SHORT } from '../../../contract/weight-storage';
import type { WantedDevice } from '../../store/device-link';
import { inHand } from '../../store/in-hand';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Segments } from '../../ui/Choice';
import { ErrorNotice, Notice } from '../../ui/ErrorNotice';
import { Facts, Panel } from '../../ui/Panel';
import { Progress } from '../../ui/Progress';
import { UndoButtons } from '../../ui/UndoButtons';
import { adapterText } from './adapter-text';
import { WantedNotice } from './WantedNotice';

type Provider = NonNullable<WantedDevice['provider']>;
const PROVIDERS: readonly { readonly id: Provider; readonly label: string }[] = [
  { id: 'auto', label: 'Automatic' },
  { id: 'webgpu', label: 'WebGPU' },
  { id: 'wasm', label: 'WASM' },
];
const labelOf = (provider: Provider) => PROVIDERS.find(({ id }) => id === provider)?.label;

/** The execution provider: which, on what, and why not the other. */
export function DeviceCard() {
  const device = useApp((state) => state.device);
  const provider = useApp((state) => state.settings.provider);
  const working = useApp((state) => inHand(state).length > 0);
  const wanted = useApp((state) => state.wanted);
  const isOpened = useApp((state) => state.lens.opened.value !== null);
  const canUndo = useApp((state) => state.providers.past.length > 0);
  const canRedo = useApp((state) => state.providers.future.length > 0);
  const { switchProvider, loadPair, cancelDevice, declineDevice, undoProvider, redoProvider } = useActions();
  const report = device.value;
  const isLocked = working || isBusy(device);

  return (
    <Panel
      title="Device"
      about="Everything is computed in this browser; prompts, data and weights never leave it."
      actions={
        <>
          <Segments
            label="Provider"
            value={provider}
            isDisabled={isLocked}
            options={PROVIDERS}
            onChange={(next) => void switchProvider(next)}
          />
          <UndoButtons
            of="provider"
            canUndo={canUndo && !isLocked}
            canRedo={canRedo && !isLocked}
            undo={undoProvider}
            redo={redoProvider}
          />
        </>
      }
    >
      {wanted.provider !== null && wanted.provider !== provider && (
        <WantedNotice
          asks={`the provider ${labelOf(wanted.provider)}`}
          costs="Switching opens the device anew and loads the models on it."
          take={`Switch to ${labelOf(wanted.provider)}`}
          isDisabled={isLocked}
          onTake={() => void switchProvider(wanted.provider ?? provider)}
          onDecline={() => declineDevice('provider')}
        />
      )}
      {wanted.storage !== null && !isOpened && (
        <Notice kind="info">
          The link asks for layer matrices in {STORAGE_SHORT[wanted.storage]}. That can be chosen once a model
          is opened.
        </Notice>
      )}
      {isBusy(device) && (
        <Progress
          label="Opening the device"
          onCancel={cancelDevice}
          isCancelling={device.status === 'cancelling'}
        />
      )}
      {device.status === 'failed' && (
        <ErrorNotice title="There is no usable device" error={device.error}>
          <Button onPress={() => void loadPair()}>Try again</Button>
          {provider !== 'wasm' && <Button onPress={() => void switchProvider('wasm')}>Use WASM</Button>}
        </ErrorNotice>
      )}
      {device.status === 'idle' && <p className="muted">No device is open yet.</p>}
      {report && !isBusy(device) && (
        <Facts
          items={[
            ['Provider', <strong key="p">{report.provider === 'webgpu' ? 'WebGPU' : 'WASM'}</strong>],
            ...(report.provider === 'wasm'
              ? [['Why not WebGPU', report.reason || 'not reported'] as const]
              : []),
            ['GPU adapter', adapterText(report.adapter)],
            [
              'CPU threads',
              `${report.threads}${report.crossOriginIsolated ? '' : ': the page is not cross-origin isolated, so WASM is limited to one thread'}`,
            ],
            ['Runtime', `onnxruntime-web ${report.runtimeVersion}`],
          ]}
        />
      )}
    </Panel>
  );
}
