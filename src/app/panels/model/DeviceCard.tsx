import { inHand } from '../../store/in-hand';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Segments } from '../../ui/Choice';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { Facts, Panel } from '../../ui/Panel';
import { Progress } from '../../ui/Progress';
import { adapterText } from './adapter-text';

/** The execution provider: which, on what, and why not the other. */
export function DeviceCard() {
  const device = useApp((state) => state.device);
  const provider = useApp((state) => state.settings.provider);
  const working = useApp((state) => inHand(state).length > 0);
  const { switchProvider, loadPair, cancelDevice } = useActions();
  const report = device.value;

  return (
    <Panel
      title="Device"
      about="Everything is computed in this browser; prompts, data and weights never leave it."
      actions={
        <Segments
          label="Provider"
          value={provider}
          isDisabled={working || isBusy(device)}
          options={[
            { id: 'auto', label: 'Automatic' },
            { id: 'webgpu', label: 'WebGPU' },
            { id: 'wasm', label: 'WASM' },
          ]}
          onChange={(next) => void switchProvider(next)}
        />
      }
    >
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
