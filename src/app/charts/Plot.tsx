import { useEffect, useRef, useState } from 'react';
import { Button } from '../ui/Button';
import { ErrorNotice } from '../ui/ErrorNotice';
import { queueDrawing } from './draw-queue';
import type { Emphasis, Figure, View } from './figure';
import type { HoverKey, HoverLink } from './link';
import type { ThemeName } from './look';
import { config, hasWebgl, loadPlotly, needsWebgl, type Part } from './plotly';

export interface PlotProps {
  /** Makes the figure; called when it is drawn, which is when one of `of` changes. */
  readonly build: (view: View) => Figure;
  /** The data and choices the drawing depends on, compared by identity; always the same number of them. */
  readonly of: readonly unknown[];
  readonly parts?: readonly Part[];
  readonly theme: ThemeName;
  readonly log: boolean;
  readonly height: number;
  readonly link?: HoverLink | undefined;
  /** Receives the element that Plotly draws in, for exports. */
  readonly onElement: (element: HTMLDivElement | null) => void;
  /** Called instead of showing an error when a Plotly part cannot be used, so that the chart can fall back. */
  readonly onUnavailable?: ((reason: string) => void) | undefined;
}

type Plotly = Awaited<ReturnType<typeof loadPlotly>>;
type Listening = HTMLDivElement & {
  on?: (event: string, listener: (event: { readonly points?: readonly HoverPoint[] }) => void) => void;
};
interface HoverPoint {
  readonly curveNumber: number;
  readonly pointNumber: number | readonly [number, number];
}

/** Milliseconds between two drawings of a chart whose data grows. */
const REDRAW = 1000;
/** How close to the viewport a chart must be to be drawn. */
const NEAR = '200px';

/** Milliseconds that the pointer must rest before a highlight that redraws everything. */
const REST = 120;

/**
 * The drawing itself. New data is drawn at most once a second, in a queue with the other charts, and only if it is visible.
 * What is pointed at in another chart is restyled without redrawing or rendering anything else.
 */
export function Plot(props: PlotProps) {
  const { of, theme, log, height, link, parts = [], onElement } = props;
  const place = useRef<HTMLDivElement>(null);
  const wanted = useRef(props);
  wanted.current = props;
  const request = useRef(() => {});
  const [failure, setFailure] = useState<Error | null>(null);
  const [isDrawn, setIsDrawn] = useState(false);
  const need = parts.join();

  useEffect(() => {
    const element = place.current as Listening | null;
    if (!element || failure) return;
    onElement(element);
    let plotly: Plotly | null = null;
    let figure: Figure | null = null;
    let timer: ReturnType<typeof setTimeout> | null = null;
    let leaveQueue = () => {};
    let isNear = false;
    let isDirty = true;
    let styling = 0;
    let resting: ReturnType<typeof setTimeout> | undefined;
    let shown: HoverKey | null = null;
    let drawnAt = 0;
    let gone = false;

    const fail = (error: Error) => {
      if (gone) return;
      const { onUnavailable } = wanted.current;
      if (onUnavailable && need !== '') onUnavailable(error.message);
      else setFailure(error);
    };
    const emphasise = () => {
      clearTimeout(resting);
      cancelAnimationFrame(styling);
      const key = link?.key() ?? null;
      const wantedKey = key !== null && figure?.keys?.has(key) ? key : null;
      const change = wantedKey === shown ? undefined : figure?.emphasis?.(wantedKey);
      if (!change) return;
      const apply = () => {
        if (gone || !plotly) return;
        shown = wantedKey;
        const { looks, data, shapes, traces } = change;
        if (looks) setLooks(element, looks);
        if (data) void plotly.restyle(element, data as never, traces).catch(fail);
        if (shapes) void plotly.relayout(element, { shapes } as never).catch(fail);
      };
      if (change.isHeavy) resting = setTimeout(apply, REST);
      else styling = requestAnimationFrame(apply);
    };
    const listen = () => {
      if (!element.on) return;
      element.on('plotly_webglcontextlost', () => fail(new Error('the browser took the WebGL context away')));
      if (!link) return;
      element.on('plotly_hover', ({ points }) => {
        const [point] = points ?? [];
        link.point(point ? (figure?.keyAt?.(point.curveNumber, point.pointNumber) ?? null) : null);
      });
      element.on('plotly_unhover', () => link.point(null));
    };
    const draw = () => {
      timer = null;
      const width = element.clientWidth;
      if (gone || !plotly || width === 0 || !isNear) return;
      isDirty = false;
      const first = drawnAt === 0;
      drawnAt = performance.now();
      const { build, theme, log, height } = wanted.current;
      try {
        figure = build({ width, height, theme, log });
      } catch (error) {
        setFailure(error as Error);
        return;
      }
      plotly.react(element, figure.data, figure.layout, config).then(() => {
        if (gone) return;
        if (first) {
          listen();
          setIsDrawn(true);
        }
        shown = null;
        emphasise();
      }, fail);
    };
    request.current = () => {
      isDirty = true;
      if (!isNear || !plotly) return;
      timer ??= setTimeout(
        () => {
          leaveQueue = queueDrawing(draw, drawnAt === 0);
        },
        drawnAt === 0 ? 0 : Math.max(0, drawnAt + REDRAW - performance.now()),
      );
    };
    const list = need === '' ? [] : (need.split(',') as Part[]);
    if (needsWebgl(list) && !hasWebgl()) {
      fail(new Error('this browser has no WebGL here'));
    } else {
      loadPlotly(list).then(
        (loaded) => {
          if (gone) return;
          plotly = loaded;
          request.current();
        },
        (error: Error) => fail(new Error(`a part of the page could not be loaded (${error.message})`)),
      );
    }
    const resized = new ResizeObserver(() => request.current());
    resized.observe(element);
    const seen = new IntersectionObserver(
      (entries) => {
        isNear = entries.at(-1)?.isIntersecting ?? false;
        if (isNear && isDirty) request.current();
      },
      { rootMargin: NEAR },
    );
    seen.observe(element);
    const leave = link?.subscribe(emphasise);
    return () => {
      gone = true;
      leave?.();
      if (timer !== null) clearTimeout(timer);
      leaveQueue();
      seen.disconnect();
      cancelAnimationFrame(styling);
      clearTimeout(resting);
      resized.disconnect();
      plotly?.purge(element);
      onElement(null);
      setIsDrawn(false);
    };
  }, [onElement, need, link, failure]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the figure is read later, from `wanted`
  useEffect(() => request.current(), [...of, theme, log, height]);

  if (failure) {
    return (
      <div className="plot-failed" style={{ minHeight: height }}>
        <ErrorNotice
          title="The chart could not be drawn"
          error={{
            name: failure.name,
            code: 'chart',
            message: failure.message,
            hint: 'The values are in the table below. Try again, or reload the page.',
            stack: failure.stack ?? null,
          }}
        >
          <Button onPress={() => setFailure(null)}>Try again</Button>
        </ErrorNotice>
      </div>
    );
  }
  return (
    <div className="plot-place" style={{ height }} aria-hidden="true">
      {!isDrawn && <p className="plot-loading">Loading chart …</p>}
      {/* The table says the same to a screen reader. */}
      <div ref={place} className="plot" style={{ height }} />
    </div>
  );
}

/** Restyles lines that Plotly has already drawn; its next drawing has the old styles. */
function setLooks(element: HTMLElement, looks: NonNullable<Emphasis['looks']>): void {
  for (const { uid, opacity, width } of looks) {
    const trace = element.querySelector<SVGGElement>(`.scatterlayer .trace${uid}`);
    trace?.style.setProperty('opacity', `${opacity}`);
    trace?.querySelector<SVGPathElement>('.js-line')?.style.setProperty('stroke-width', `${width}px`);
  }
}
