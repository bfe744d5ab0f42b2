import type { RefObject } from 'react';
import type { MethodData } from '../../../../contract/methods/method';
import { ExportButtons, type ImageFormat } from '../../../charts/ExportButtons';
import { imageOfDrawing } from '../../../charts/export';
import { useTheme } from '../../../store/use-app';
import { termLegend, termTable } from './words';

/** The drawing of a method's paths as images, with its numbers in words below it; its terms as a table. */
export function PathFiles({
  method,
  config,
  title,
  svg,
  onProblem,
}: {
  readonly method: MethodData;
  readonly config: object;
  /** Of the drawing. */
  readonly title: string;
  readonly svg: RefObject<SVGSVGElement | null>;
  readonly onProblem: (problem: string) => void;
}) {
  const theme = useTheme();
  const rows = () => {
    const { columns, rows: terms } = termTable(method, config);
    return [columns, ...terms];
  };
  const imageOf = async (format: ImageFormat) => {
    const source = `${termLegend(method, config)}. ${method.source}.`;
    return svg.current && imageOfDrawing(svg.current, format, { title, source, theme });
  };
  return (
    <div className="chart-tools">
      <ExportButtons {...{ title, rows, imageOf, onProblem }} fileName={`paths-${method.id}`} />
    </div>
  );
}
