import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { formatClock } from '../../../format.ts'
import styles from './chart.module.css'
import { colourOf, useTheme } from './chart-colours.ts'
import { type Gap, shortestCharted } from './points.ts'

/** A line: its name, the token of its colour, and its dashes, so that it can be distinguished without colours. */
export type Line = {
  readonly name: string
  readonly token: string
  readonly dash: readonly number[]
  readonly ground?: string
}

/** Pixels between the lines with which a gap is hatched. */
const hatching = 6
/** Pixels of a gap from which on it is labelled. */
const labelled = 64
/** Grid lines are at whole seconds and whole devices. */
const spans = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400, 172_800, 604_800]
const wholes = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat()

const short = new Intl.NumberFormat('en-GB', { notation: 'compact', maximumFractionDigits: 1 })

/** A column of times in seconds since 1970, and a column per line. */
export type Data = readonly (readonly (number | null)[])[]

/** Lines over time, drawn by uPlot. Gaps are hatched. All charts on a page mark the same moment. */
export function Chart({
  lines,
  data,
  gaps,
  height,
  isUtc,
  hasTimes = false,
  onPoint,
}: {
  readonly lines: readonly Line[]
  readonly data: Data
  readonly gaps: readonly Gap[]
  readonly height: number
  /** Whether times are in UTC instead of the time zone of the browser. */
  readonly isUtc: boolean
  /** Whether this chart is the lowest and shows the time axis for all of them. */
  readonly hasTimes?: boolean
  /** Called with the index of the point at the pointer. */
  readonly onPoint: (index: number | null) => void
}) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const latest = useRef({ data, gaps, onPoint })
  useEffect(() => {
    latest.current = { data, gaps, onPoint }
  })
  const theme = useTheme()

  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme has other colours, which a canvas does not follow.
  useEffect(() => {
    const element = place.current
    if (element === null) return
    const chart = new uPlot(
      optionsFor(
        element,
        lines,
        { height, isUtc, hasTimes },
        { onPoint: (at) => latest.current.onPoint(at), gaps: () => latest.current.gaps },
      ),
      aligned(latest.current.data),
      element,
    )
    plot.current = chart
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      chart.destroy()
      plot.current = undefined
    }
  }, [lines, height, isUtc, hasTimes, theme])
  useEffect(() => plot.current?.setData(aligned(data)), [data])

  return <div ref={place} className={styles.chart} style={{ height }} />
}

function aligned(data: Data): uPlot.AlignedData {
  const [times = [], ...rest] = data
  return [times.map((time) => time ?? 0), ...rest.map((values) => [...values])]
}

function optionsFor(
  element: HTMLElement,
  lines: readonly Line[],
  { height, isUtc, hasTimes }: { readonly height: number; readonly isUtc: boolean; readonly hasTimes: boolean },
  { onPoint, gaps }: { readonly onPoint: (index: number | null) => void; readonly gaps: () => readonly Gap[] },
): uPlot.Options {
  const colour = colourOf(element)
  const ink = colour('--ink-muted')
  const hatch = colour('--line-strong')
  const grid = { stroke: colour('--line'), width: 1 }
  const font = `11px ${getComputedStyle(element).fontFamily}`
  return {
    width: element.clientWidth,
    height,
    padding: [8, 28, hasTimes ? 0 : 4, 0],
    legend: { show: false },
    // The grid lines of hours and days begin with those of the zone.
    tzDate: (time) => (isUtc ? uPlot.tzDate(new Date(time * 1000), 'UTC') : new Date(time * 1000)),
    cursor: { y: false, drag: { x: false, y: false }, sync: { key: 'progress' }, points: { size: 6 } },
    scales: {
      // The first seconds of a job fill a part of the chart.
      x: { range: (_plot, min, max) => [min, Math.max(max, min + shortestCharted)] },
      y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.08)] },
    },
    axes: [
      {
        stroke: ink,
        font,
        grid,
        ticks: grid,
        space: 90,
        incrs: spans,
        size: hasTimes ? 30 : 0,
        values: (_plot, times) => times.map((time) => (hasTimes ? formatClock(time * 1000, isUtc) : '')),
      },
      {
        stroke: ink,
        font,
        grid,
        ticks: grid,
        size: 48,
        space: 28,
        ...(hasTimes ? {} : { incrs: wholes }),
        values: (_plot, values) => values.map((value) => short.format(value)),
      },
    ],
    series: [
      {},
      ...lines.map(({ name, token, dash, ground }) => ({
        label: name,
        stroke: colour(token),
        width: 2,
        dash: [...dash],
        points: { show: false },
        ...(ground !== undefined && { fill: colour(ground) }),
      })),
    ],
    hooks: {
      setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)],
      drawAxes: [
        (plot) => {
          for (const gap of gaps()) drawGap(plot, gap, { hatch, ink, font, isLabelled: !hasTimes })
        },
      ],
    },
  }
}

/** Hatches a time without data. */
function drawGap(
  { ctx, bbox, valToPos }: uPlot,
  { from, to }: Gap,
  {
    hatch,
    ink,
    font,
    isLabelled,
  }: Readonly<Record<'hatch' | 'ink' | 'font', string>> & { readonly isLabelled: boolean },
): void {
  const [left, right] = [valToPos(from, 'x', true), valToPos(to, 'x', true)]
  const { top, height } = bbox
  const scale = devicePixelRatio
  ctx.save()
  ctx.beginPath()
  ctx.rect(left, top, right - left, height)
  ctx.clip()
  ctx.strokeStyle = hatch
  ctx.lineWidth = scale
  ctx.globalAlpha = 0.5
  ctx.beginPath()
  for (let x = left - height; x < right; x += hatching * scale) {
    ctx.moveTo(x, top + height)
    ctx.lineTo(x + height, top)
  }
  ctx.stroke()
  if (isLabelled && right - left > labelled * scale) {
    ctx.globalAlpha = 1
    ctx.fillStyle = ink
    ctx.font = font.replace(/^\d+/, (size) => String(Number(size) * scale))
    ctx.textAlign = 'center'
    ctx.fillText('No data', (left + right) / 2, top + 14 * scale)
  }
  ctx.restore()
}
