import { shorten } from '../../text/quote';
import type { AppState } from '../store/state';
import { isBusy } from '../store/task';
import { useActions, useApp } from '../store/use-app';
import { bytes } from '../ui/format';
import { type Memory, useMemory } from './use-memory';

/** Maximum number of characters of a model's name in the bar. */
const NAME = 24;

function modelOf({ pair, lens }: AppState): string {
  const opened = lens.opened.value;
  const names = [...(pair.value ? ['bundled pair'] : []), ...(opened ? [shorten(opened.name, NAME)] : [])];
  if (names.length > 0) return names.join(' + ');
  return isBusy(pair) ? 'loading' : 'none';
}

function deviceOf({ device }: AppState): string {
  const report = device.value;
  if (isBusy(device)) return 'opening';
  if (device.status === 'failed') return 'none';
  if (!report) return 'not open';
  if (report.provider === 'webgpu')
    return `WebGPU${report.adapter?.vendor ? `, ${shorten(report.adapter.vendor, NAME)}` : ''}`;
  return `WASM, ${report.threads} ${report.threads === 1 ? 'thread' : 'threads'}`;
}

function memoryWords(memory: Memory | null | undefined): string {
  if (memory === undefined) return 'measuring';
  if (memory === null) return 'not reported';
  return `${bytes(memory.bytes)}${memory.isPart ? ', page only' : ''}`;
}

/** Model, device and memory, in a few words each. */
export function StateFacts() {
  const model = useApp(modelOf);
  const device = useApp(deviceOf);
  const memory = useMemory(useActions().heapBytes);
  return (
    <dl className="bar-facts">
      <div>
        <dt>Model</dt>
        <dd>{model}</dd>
      </div>
      <div>
        <dt>Device</dt>
        <dd>{device}</dd>
      </div>
      <div title={memory === null ? 'This browser does not report memory' : memory?.of}>
        <dt>Memory</dt>
        <dd>{memoryWords(memory)}</dd>
      </div>
    </dl>
  );
}
