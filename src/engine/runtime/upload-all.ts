import type { HostTensor } from '../base/dtype';
import type { Runtime } from './runtime';
import type { DeviceTensor } from './tensor';

/** Uploads all or none: if one does not fit, those before it are freed. @param label of the i-th tensor */
export function uploadAll(
  runtime: Runtime,
  hosts: readonly HostTensor[],
  label: (i: number) => string,
): DeviceTensor[] {
  const made: DeviceTensor[] = [];
  try {
    for (const [i, host] of hosts.entries()) made.push(runtime.upload(host, label(i)));
    return made;
  } catch (error) {
    for (const tensor of made) tensor.dispose();
    throw error;
  }
}
