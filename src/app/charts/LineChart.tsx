import './charts.css';
import { useCallback, useId, useRef, useState } from 'react';
import { Button } from '../ui/Button';
import { Segments } from '../ui/Choice';
import { DataTable } from '../ui/DataTable';
import { download } from '../ui/download';
import { csv, significant } from '../ui/format';
import type { ThemeName } from './look';
import { Plot } from './Plot';
import { loadPlotly } from './plotly';
import { type Axis, type LineSeries, rowsOf } from './series';

export interface LineChartProps {
  readonly title: string;
  /** One sentence that says what is to be seen. */
  readonly summary: string;
  readonly series: readonly LineSeries[];
  readonly x: Axis;
  readonly y: Axis;
  readonly theme: ThemeName;
  /** Scale of y at first; without it there is no choice and the scale is linear. */
  readonly scale?: 'linear' | 'log';
  readonly height?: number;
  /** Of the exported files, without the ending. */
  readonly fileName: string;
  readonly level?: 3 | 4;
}

/** Lines with title, summary, the choice of scale, exports, and the same values as a table. */
export function LineChart(props: LineChartProps) {
  const { title, summary, series, x, y, theme, scale, height = 280, fileName, level = 4 } = props;
  const id = useId();
  const [chosen, setScale] = useState(scale ?? 'linear');
  const [tableIsOpen, setTableIsOpen] = useState(false);
  const [problem, setProblem] = useState('');
  const element = useRef<HTMLDivElement | null>(null);
  const keepElement = useCallback((place: HTMLDivElement | null) => {
    element.current = place;
  }, []);
  const Heading = `h${level}` as const;
  const columns = [x.column ?? x.label, ...series.map(({ name }) => name)];

  const saveImage = async (format: 'svg' | 'png') => {
    const place = element.current;
    if (!place) return;
    try {
      const plotly = await loadPlotly();
      const url = await plotly.toImage(place, {
        format,
        width: Math.max(720, place.clientWidth),
        height,
        scale: 2,
      });
      const content = format === 'svg' ? decodeURIComponent(url.slice(url.indexOf(',') + 1)) : bytesOf(url);
      download(`${fileName}.${format}`, content, format === 'svg' ? 'image/svg+xml' : 'image/png');
      setProblem('');
    } catch (error) {
      setProblem(`The image could not be made: ${(error as Error).message}`);
    }
  };

  return (
    <figure className="chart" aria-labelledby={id}>
      <div className="chart-head">
        <Heading id={id}>{title}</Heading>
        <div className="chart-tools">
          {scale && (
            <Segments
              label={`Scale of ${title}`}
              hideLabel
              value={chosen}
              options={[
                { id: 'linear', label: 'Linear' },
                { id: 'log', label: 'Log' },
              ]}
              onChange={setScale}
            />
          )}
          <Button
            look="quiet"
            aria-label={`${title}: save as CSV`}
            onPress={() => download(`${fileName}.csv`, csv([columns, ...rowsOf(series)]), 'text/csv')}
          >
            CSV
          </Button>
          <Button look="quiet" aria-label={`${title}: save as SVG`} onPress={() => void saveImage('svg')}>
            SVG
          </Button>
          <Button look="quiet" aria-label={`${title}: save as PNG`} onPress={() => void saveImage('png')}>
            PNG
          </Button>
        </div>
      </div>
      {/* The table below says the same to a screen reader. */}
      <div aria-hidden="true">
        <Plot
          series={series}
          x={x}
          y={y}
          log={chosen === 'log'}
          theme={theme}
          legend={series.length > 1 && series.length <= 7}
          height={height}
          onElement={keepElement}
        />
      </div>
      <figcaption>{summary}</figcaption>
      <details onToggle={(event) => setTableIsOpen(event.currentTarget.open)}>
        <summary>Values as a table</summary>
        {tableIsOpen && (
          <DataTable
            caption={title}
            columns={columns}
            rows={rowsOf(series).map((row) =>
              row.map((value) => (value === null ? null : significant(value))),
            )}
          />
        )}
      </details>
      <p aria-live="polite" className="chart-problem">
        {problem}
      </p>
    </figure>
  );
}

/** The bytes of a base64 data URL; the page may not fetch one. */
function bytesOf(url: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(url.slice(url.indexOf(',') + 1)), (char) => char.charCodeAt(0));
}
