import { expect, it } from 'vitest';
import { WITH_MOCK } from '../../../contract/methods/mock.testing';
import { mounting } from '../../mount.testing';
import { useApp } from '../../store/use-app';
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
