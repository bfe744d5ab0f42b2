import type { ModelReport } from '../../contract/events';
import { WEIGHT_STORAGES, type WeightStorage } from '../../contract/weight-storage';
import { PROVIDERS, type ProviderChoice, type Settings } from '../../storage/rows';
import { among, readEntries } from './link-text';

/**
 * The part of the Model place's link that names the provider and how the opened model's matrices are stored: `provider=wasm&storage=int8`.
 * A link changes neither by itself, since that opens the device or reads the model anew: the page asks.
 */
export type DeviceLink = Readonly<Partial<Record<'provider' | 'storage', string>>>;

/** What a link asks for and is not so here yet; `null` where it asks for nothing. */
export interface WantedDevice {
  readonly provider: ProviderChoice | null;
  readonly storage: WeightStorage | null;
}

const ENTRIES = { provider: among(PROVIDERS), storage: among(WEIGHT_STORAGES) };

export const DEVICE_KEYS: readonly string[] = Object.keys(ENTRIES);

/** The usable values, and what is wrong with the others. */
export function readDeviceLink(values: URLSearchParams): {
  readonly device: DeviceLink;
  readonly problems: readonly string[];
} {
  const { found: device, problems } = readEntries(values, ENTRIES);
  return { device, problems };
}

export const wantedOf = ({ provider, storage }: DeviceLink): WantedDevice => ({
  provider: (provider as ProviderChoice | undefined) ?? null,
  storage: (storage as WeightStorage | undefined) ?? null,
});

/** What a link must carry: what another has asked for, until that is answered, or else how it is here. */
export function deviceLink(
  wanted: WantedDevice,
  { provider }: Pick<Settings, 'provider'>,
  opened: ModelReport | null,
): DeviceLink {
  const asked = wanted.provider ?? provider;
  const stored = wanted.storage ?? opened?.storage ?? 'f32';
  return { ...(asked !== 'auto' && { provider: asked }), ...(stored !== 'f32' && { storage: stored }) };
}
