import './charts.css';
import { type ReactNode, useCallback, useId, useRef, useState } from 'react';
import { Segments } from '../ui/Choice';
import { DataTable } from '../ui/DataTable';
import { significant } from '../ui/format';
import { ExportButtons, type ImageFormat } from './ExportButtons';
import { imageOf as imageOfPlot } from './export';
import type { Figure, Table, View } from './figure';
import type { HoverLink } from './link';
import type { ThemeName } from './look';
import { Plot } from './Plot';
import type { Part } from './plotly';
import { withSource } from './source';

/** Properties that all charts have. */
export interface ChartProps {
  readonly title: string;
  /** One sentence that says what the chart shows. */
  readonly summary: string;
  /**
   * Where the data comes from: sample ids, kernel, dtype, seed. In small text below the chart and in exported images; a CSV
   * file has it in the first row of a last column `source`.
   */
  readonly source?: string;
  readonly theme: ThemeName;
  readonly height?: number;
  /** Name of exported files, without the extension. */
  readonly fileName: string;
  readonly level?: 3 | 4;
  /** Shared between charts: what is pointed at in one is highlighted in all. */
  readonly link?: HoverLink | undefined;
}

export interface ChartFrameProps extends ChartProps {
  readonly build: (view: View) => Figure;
  /** The data and choices the drawing depends on, compared by identity; always the same number of them. */
  readonly of: readonly unknown[];
  readonly parts?: readonly Part[];
  /** Initial scale of the values; without it there is no choice, and the scale is linear. */
  readonly scale?: 'linear' | 'log' | undefined;
  /** The values, for the table and, if that differs, for files. Computed when needed. */
  readonly table: () => Table;
  readonly file?: () => Table;
  /** Controls that change the view, placed before the exports. */
  readonly tools?: ReactNode;
  /** A note on what is drawn. */
  readonly note?: string;
  readonly onUnavailable?: (reason: string) => void;
  /** Receives the element that Plotly draws in. */
  readonly onElement?: (element: HTMLDivElement | null) => void;
}

/** The frame around every chart's drawing: title, summary, source, scale, exports, and the values as a table. */
export function ChartFrame(props: ChartFrameProps) {
  const { title, summary, source = '', theme, height = 280, fileName, level = 4, link } = props;
  const { build, of, parts, scale, table, file = table, tools, note = '', onUnavailable, onElement } = props;
  const id = useId();
  const [chosen, setScale] = useState(scale ?? 'linear');
  const [tableIsOpen, setTableIsOpen] = useState(false);
  const [problem, setProblem] = useState('');
  const element = useRef<HTMLDivElement | null>(null);
  const tell = useRef(onElement);
  tell.current = onElement;
  const keepElement = useCallback((place: HTMLDivElement | null) => {
    element.current = place;
    tell.current?.(place);
  }, []);
  const Heading = `h${level}` as const;

  const rows = () => {
    const { columns, rows: values } = withSource(file(), source);
    return [columns, ...values];
  };
  const imageOf = async (format: ImageFormat) =>
    element.current && imageOfPlot(element.current, format, { title, source, theme, height });

  return (
    <figure className="chart" aria-labelledby={id}>
      <div className="chart-head">
        <Heading id={id}>{title}</Heading>
        <div className="chart-tools">
          {tools}
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
          <ExportButtons {...{ title, fileName, rows, imageOf }} onProblem={setProblem} />
        </div>
      </div>
      <Plot
        build={build}
        of={of}
        parts={parts ?? []}
        theme={theme}
        log={chosen === 'log'}
        height={height}
        link={link}
        onElement={keepElement}
        onUnavailable={onUnavailable}
      />
      <figcaption>
        {summary}
        {source !== '' && <span className="chart-source">{source}</span>}
      </figcaption>
      <details onToggle={(event) => setTableIsOpen(event.currentTarget.open)}>
        <summary>Values as a table</summary>
        {tableIsOpen && <ValueTable title={title} table={table()} />}
      </details>
      <p aria-live="polite" className="chart-problem">
        {[problem, note].filter(Boolean).join(' ')}
      </p>
    </figure>
  );
}

/** What is not there, such as a loss term in a stage without it, has no number. */
const written = (value: number) => {
  if (Number.isNaN(value)) return null;
  return Number.isInteger(value) && Math.abs(value) < 1e6 ? `${value}`.replace('-', '−') : significant(value);
};

function ValueTable({ title, table: { columns, rows } }: { readonly title: string; readonly table: Table }) {
  return (
    <DataTable
      caption={title}
      columns={columns}
      rows={rows.map((row) => row.map((value) => (typeof value === 'number' ? written(value) : value)))}
    />
  );
}
