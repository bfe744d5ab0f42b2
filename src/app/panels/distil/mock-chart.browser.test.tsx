import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { WITH_MOCK } from '../../../contract/methods/mock.testing';
import { mounting } from '../../mount.testing';
import { useApp } from '../../store/use-app';
import { MethodCard } from './paths/MethodCard';
import { RunCharts } from './RunCharts';

const mount = mounting();

const Charts = () => <RunCharts run={useApp((state) => state.run)} />;

it('draws the terms of a method that is only in the list of methods, under their names', async () => {
  const { actions } = mount(<Charts />, { methods: WITH_MOCK }, '#/distil?preset=mock-7');
  actions.setField('optimiser.steps', 3);
  expect(await actions.startRun()).toBe(true);
  const [plot] = document.querySelectorAll('.plot');
  const names = () => [...plot!.querySelectorAll('.legendtext')].map(({ textContent }) => textContent);
  await expect.poll(names, { timeout: 20_000 }).toEqual(['total', 'mocked answer']);
  expect(plot!.querySelectorAll('.scatterlayer .trace .js-line')).toHaveLength(2);
});

it('draws its paths, with the weight of each term at the term and its curve beside it', async () => {
  const { actions, store } = mount(
    <MethodCard isDisabled={false} />,
    { methods: WITH_MOCK },
    '#/distil?preset=mock-7',
  );
  const drawing = page.getByRole('img', { name: 'Paths of Mock method' });
  await expect.element(drawing).toMatchTextContent(/Mocked path.*mocked latents.*by mocking.*answer1$/);
  const mark = () => document.querySelector('.path-mark')?.getAttribute('class');
  // An earlier test may have left the pointer where the term is now.
  await drawing.hover();
  await expect.poll(mark).toBe('path-mark');
  // Whoever is at the term sees where it sits.
  const weight = page.getByRole('textbox', { name: /^Weight of mocked answer/ });
  await weight.fill('0');
  expect(store.getState().draft).toMatchObject({ weights: { answer: 0 } });
  await expect.poll(mark).toBe('path-mark idle pointed');
  await expect.element(page.getByText(/Left out: its weight is 0\.$/)).toBeVisible();
  await weight.fill('x');
  await expect.element(page.getByText(/not a number/i)).toBeVisible();
  await weight.fill('2.5');
  actions.setField('optimiser.steps', 3);
  expect(await actions.startRun()).toBe(true);
  await expect
    .element(page.getByRole('img', { name: /^mocked answer: from .* at step 1 to .* at step 3$/ }))
    .toBeVisible();
});
