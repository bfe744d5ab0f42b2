import { useEffect, useRef, useState } from 'react';
import { ErrorNotice } from '../ui/ErrorNotice';
import { type FigureOptions, figureOf } from './figure';
import { config, loadPlotly } from './plotly';
import type { LineSeries } from './series';

export interface PlotProps extends Omit<FigureOptions, 'width'> {
  readonly series: readonly LineSeries[];
  /** Takes the element that Plotly draws in, for exports. */
  readonly onElement: (element: HTMLDivElement | null) => void;
}

/** Milliseconds between two drawings of a chart whose data grows. */
const REDRAW = 250;

/** The drawing itself. New data is drawn at most four times a second, in an animation frame: the page never waits. */
export function Plot({ series, onElement, ...options }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const wanted = useRef({ series, options });
  wanted.current = { series, options };
  const request = useRef(() => {});
  const [failure, setFailure] = useState<Error | null>(null);

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    onElement(element);
    let plotly: Awaited<ReturnType<typeof loadPlotly>> | null = null;
    let timer: ReturnType<typeof setTimeout> | null = null;
    let frame = 0;
    let drawnAt = 0;
    let gone = false;

    const draw = () => {
      timer = null;
      frame = requestAnimationFrame(() => {
        const width = element.clientWidth;
        if (gone || !plotly || width === 0) return;
        drawnAt = performance.now();
        const { data, layout } = figureOf(wanted.current.series, { ...wanted.current.options, width });
        void plotly.react(element, data, layout, config).catch((error: Error) => !gone && setFailure(error));
      });
    };
    request.current = () => {
      timer ??= setTimeout(draw, Math.max(0, drawnAt + REDRAW - performance.now()));
    };
    loadPlotly().then(
      (loaded) => {
        plotly = loaded;
        request.current();
      },
      (error: Error) => !gone && setFailure(error),
    );
    const resized = new ResizeObserver(() => request.current());
    resized.observe(element);
    return () => {
      gone = true;
      if (timer !== null) clearTimeout(timer);
      cancelAnimationFrame(frame);
      resized.disconnect();
      plotly?.purge(element);
      onElement(null);
    };
  }, [onElement]);

  const { theme, log } = options;
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is drawn is read later, from `wanted`
  useEffect(() => request.current(), [series, theme, log]);

  if (failure) {
    return (
      <ErrorNotice
        title="The chart could not be drawn"
        error={{
          name: failure.name,
          code: 'chart',
          message: failure.message,
          hint: 'The values are in the table below. Reload the page to try again.',
          stack: failure.stack ?? null,
        }}
      />
    );
  }
  return <div ref={place} className="plot" style={{ height: options.height }} />;
}
