import { FORMAT_TEXTS } from '../../../contract/data';
import { Facts, Panel } from '../../ui/Panel';

/** What a row of each format looks like. */
export function FormatsCard() {
  return (
    <Panel title="Supported formats" about="What a row looks like in each.">
      <Facts items={Object.values(FORMAT_TEXTS).map(({ label, about }) => [label, about])} />
    </Panel>
  );
}
