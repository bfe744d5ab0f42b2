import type { DeviceReport } from '../../../contract/events';

/** What the browser says of a graphics adapter; some say nothing of it. */
export function adapterText(adapter: DeviceReport['adapter']): string {
  if (!adapter) return 'none';
  const { vendor, architecture, description, software } = adapter;
  const name = [vendor, architecture, description].filter(Boolean).join(' · ');
  return `${name || 'not named by the browser'}${software ? ' (software)' : ''}`;
}
