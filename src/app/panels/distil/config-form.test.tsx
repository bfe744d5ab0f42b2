import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import { settingsOf } from '../../../contract/config';
import { METHODS } from '../../../contract/methods/index';
import { rangeText } from '../../../contract/settings';
import { memoryStore } from '../../../storage/store';
import { createApp } from '../../store/app-store';
import { AppProvider } from '../../store/use-app';
import { double } from '../../workbench.testing';
import { ConfigForm } from './ConfigForm';

/** The text of the page, without its tags. */
const textOf = (html: string): string =>
  html
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&#x27;', "'")
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .replaceAll(/\s+/g, ' ');

it.each(METHODS.map(({ id }) => id))('%s: every setting shows its unit, range, default and source', (id) => {
  const method = METHODS.find((one) => one.id === id) as (typeof METHODS)[number];
  const app = createApp({
    connect: () => double({}),
    storage: Promise.resolve(memoryStore('test')),
    hash: `#/distil?preset=${method.presets[0]?.id}`,
    pairUrl: 'models',
  });
  expect(app.store.getState().draft.method).toBe(id);
  const html = renderToStaticMarkup(
    <AppProvider value={app}>
      <ConfigForm isDisabled={false} />
    </AppProvider>,
  );
  const text = textOf(html);
  // Who learns from whom has a card of its own.
  const settings = settingsOf(method).flatMap((group) => (group.id === 'roles' ? [] : group.settings));
  for (const setting of settings) {
    const { path, label, help, range, unit, source, ours } = setting;
    expect(text, path).toContain(label);
    const at = text.indexOf(`${help}${range ? ` Range: ${rangeText(setting)}` : ' Default: '}`);
    expect(at, path).toBeGreaterThanOrEqual(0);
    const [, said = ''] = /^(.*? Default: [^.]*(?:\.\d[^.]*)*)/.exec(text.slice(at)) ?? [];
    if (range) expect(said, path).toContain(unit ? `${rangeText(setting)} ${unit}.` : ', without a unit.');
    if (!ours) expect(text.slice(at), path).toContain(`(${source}).`);
  }
  expect(html.split('>ours<').length - 1).toBe(settings.filter(({ ours }) => ours).length);
});
