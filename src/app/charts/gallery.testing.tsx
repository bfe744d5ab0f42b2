/** Every kind of chart with made-up values, for the tests in browsers. */
import { useMemo, useState } from 'react';
import { Slider } from '../ui/Slider';
import { HeatMap } from './HeatMap';
import { LineChart } from './LineChart';
import type { HoverLink } from './link';
import type { ThemeName } from './look';
import type { PointGroup } from './points';
import { ScatterChart } from './ScatterChart';
import type { LineSeries } from './series';

const SAMPLES = 6;
const LAYERS = 4;
const TOKENS = 12;

/** Sines at large arguments: the same numbers each time, and no pattern to the eye. */
const noise = (i: number) => {
  const value = Math.sin(i * 12.9898 + 4.1414) * 43758.5453;
  return value - Math.floor(value) - 0.5;
};

export function curves(): LineSeries[] {
  const ranks = Array.from({ length: 32 }, (_, i) => i + 1);
  const rate = (sample: number) => 0.12 + 0.04 * sample;
  const cumulative = (r: number, sample: number) => 1 - Math.exp(-rate(sample) * r);
  const middle = ranks.map((r) => cumulative(r, 2.5));
  return [
    {
      name: 'teacher, median',
      x: ranks,
      y: middle,
      low: middle.map((v) => 0.93 * v),
      high: middle.map((v) => Math.min(1, 1.05 * v)),
      interval: 'area',
      weight: 'strong',
      legend: true,
      look: { colour: 0, dash: 0, marker: 0 },
    },
    {
      name: 'gaussian',
      x: ranks,
      y: ranks.map((r) => r / 32),
      legend: true,
      look: { colour: 1, dash: 1, marker: 1 },
    },
    ...Array.from({ length: SAMPLES }, (_, sample) => ({
      name: `train-${sample}`,
      about: `How many <pens> are in ${sample} boxes of %{y} & more?`,
      key: `train-${sample}`,
      x: ranks,
      y: ranks.map((r) => cumulative(r, sample)),
      look: { colour: 0, dash: 2, marker: sample },
    })),
  ];
}

/** Trajectories of `count` points each; texts are what a tokenizer may hold. */
export function walks(name: string, samples: number, count: number, shift: number): PointGroup {
  const n = samples * count;
  const xyz = new Float32Array(3 * n);
  for (let i = 0; i < n; i++) {
    const [sample, at] = [Math.floor(i / count), i % count];
    for (let d = 0; d < 3; d++) {
      xyz[3 * i + d] =
        (at === 0 ? shift + sample : xyz[3 * (i - 1) + d]!) + noise(3 * i + d + 7 * shift) + 0.25;
    }
  }
  const sampleOf = (i: number) => Math.floor(i / count);
  return {
    name,
    xyz,
    colour: Float32Array.from({ length: n }, (_, i) => i % count),
    path: Int32Array.from({ length: n }, (_, i) => sampleOf(i)),
    text: (i) => `${name}, sample ${sampleOf(i)}, position ${i % count}: "<s> & </b>"`,
    key: (i) => `train-${sampleOf(i)}`,
  };
}

const source =
  'train-0, train-1, train-2, train-3, train-4, train-5; layers 1–4; kernel tridiagonal, f32; seed 7.';

interface Shared {
  readonly theme: ThemeName;
  readonly link: HoverLink;
}

export function Lines({ theme, link }: Shared) {
  const series = useMemo(curves, []);
  return (
    <LineChart
      title="Cumulative singular values"
      summary="One curve per sample, their median with its band, and a control."
      source={source}
      series={series}
      x={{ label: 'rank r', column: 'rank' }}
      y={{ label: 'Σ σᵢ up to r / Σ σᵢ' }}
      scale="linear"
      theme={theme}
      link={link}
      fileName="curves"
    />
  );
}

export function Energy({ theme, link, columns = 24 }: Shared & { readonly columns?: number }) {
  const z = useMemo(
    () =>
      Float64Array.from({ length: LAYERS * columns }, (_, i) =>
        i === 5 ? 0 : Math.exp(-0.9 * (i % columns) - 1.5 * Math.floor(i / columns)),
      ),
    [columns],
  );
  return (
    <HeatMap
      title={`Energy of the core, ${columns} columns`}
      summary="Nearly all of the energy lies in the first corner."
      source={source}
      x={{ label: 'hidden direction j', values: Array.from({ length: columns }, (_, i) => i + 1) }}
      y={{ label: 'layer direction i', values: [1, 2, 3, 4], keys: [1, 2, 3, 4].map((i) => `layer ${i}`) }}
      z={z}
      value={{ label: 'share of energy' }}
      scale="log"
      theme={theme}
      link={link}
      fileName="energy"
    />
  );
}

export function Ranks({ theme, link }: Shared) {
  const series = useMemo(() => {
    const x = [1, 2, 3, 4];
    const keys = x.map((layer) => `layer ${layer}`);
    return [
      { name: 'teacher', x, y: [3, 5, 8, 13], low: [2, 4, 6, 11], high: [4, 7, 9, 16], keys },
      { name: 'gaussian', x, y: [25, 27, 29, 31], keys },
    ];
  }, []);
  return (
    <LineChart
      title="Rank for 95 % of the energy"
      summary="It grows with the layer."
      source={source}
      series={series}
      x={{ label: 'layer' }}
      y={{ label: 'rank' }}
      scale="linear"
      theme={theme}
      link={link}
      fileName="ranks"
    />
  );
}

export function ByLayer({ theme, link }: Shared) {
  const series = useMemo(
    () =>
      [1, 10].map((scale, i) => ({
        name: ['effective rank', 'stable rank'][i]!,
        x: [1, 2, 3, 4],
        y: [1, 3, 9, 20].map((v) => scale * v),
        keys: [1, 2, 3, 4].map((layer) => `layer ${layer}`),
      })),
    [],
  );
  return (
    <LineChart
      title="Rank by layer"
      summary="Both ranks grow with depth."
      series={series}
      x={{ label: 'layer' }}
      y={{ label: 'rank' }}
      scale="log"
      theme={theme}
      link={link}
      fileName="by-layer"
    />
  );
}

export function Walks({ theme, link, samples = SAMPLES }: Shared & { readonly samples?: number }) {
  const [bySection, setBySection] = useState(false);
  const groups = useMemo(() => {
    const both = [walks('teacher', samples, TOKENS, 0), walks('student', samples, 4, 1)];
    return bySection
      ? both.map((group) => ({ ...group, colour: Array.from(group.colour, (v) => Number(v > 2)) }))
      : both;
  }, [samples, bySection]);
  return (
    <>
      <ScatterChart
        title="Trajectories"
        summary="Rationale tokens and latent thoughts in one subspace."
        source={source}
        groups={groups}
        axes={[{ label: 'direction 1' }, { label: 'direction 2' }, { label: 'direction 3' }]}
        colour={bySection ? { label: 'section', categories: ['question', 'rationale'] } : { label: 'step' }}
        paths
        theme={theme}
        height={360}
        link={link}
        fileName="trajectories"
      />
      <label>
        <input type="checkbox" checked={bySection} onChange={() => setBySection(!bySection)} /> By section
      </label>
    </>
  );
}

export function Controls() {
  const [rank, setRank] = useState(8);
  return <Slider label="Rank" tex="r" value={rank} min={0} max={64} unit="directions" onChange={setRank} />;
}
