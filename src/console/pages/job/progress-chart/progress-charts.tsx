import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { colourOf, useTheme } from './chart-colours.ts'
import styles from './progress-charts.module.css'

/** A line: its name, the token of its colour, and its dashes, so that it can be distinguished without colours. */
export type Line = {
  readonly name: string
  readonly token: string
  readonly dash: readonly number[]
  readonly ground?: string
}

/** The time of day of a point. */
export const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })
/** Grid lines are at whole seconds and whole devices. */
const spans = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400, 172_800, 604_800]
const wholes = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat()

const short = new Intl.NumberFormat('en-GB', { notation: 'compact', maximumFractionDigits: 1 })

/** A column of times in seconds since 1970, and a column per line. */
export type Data = readonly (readonly (number | null)[])[]

/** Lines over time, drawn by uPlot. All charts on a page mark the same moment. */
export function Chart({
  lines,
  data,
  height,
  hasTimes = false,
  onPoint,
}: {
  readonly lines: readonly Line[]
  readonly data: Data
  readonly height: number
  /** Whether this chart is the lowest and shows the time axis for all of them. */
  readonly hasTimes?: boolean
  /** Called with the index of the point at the pointer. */
  readonly onPoint: (index: number | null) => void
}) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const latest = useRef({ data, onPoint })
  useEffect(() => {
    latest.current = { data, onPoint }
  })
  const theme = useTheme()

  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme has other colours, which a canvas does not follow.
  useEffect(() => {
    const element = place.current
    if (element === null) return
    const chart = new uPlot(
      optionsFor(element, lines, { height, hasTimes }, (at) => latest.current.onPoint(at)),
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
  }, [lines, height, hasTimes, theme])
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
  { height, hasTimes }: { readonly height: number; readonly hasTimes: boolean },
  onPoint: (index: number | null) => void,
): uPlot.Options {
  const colour = colourOf(element)
  const ink = colour('--ink-muted')
  const grid = { stroke: colour('--line'), width: 1 }
  const font = `11px ${getComputedStyle(element).fontFamily}`
  return {
    width: element.clientWidth,
    height,
    padding: [8, 28, hasTimes ? 0 : 4, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, sync: { key: 'progress' }, points: { size: 6 } },
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.08)] } },
    axes: [
      {
        stroke: ink,
        font,
        grid,
        ticks: grid,
        space: 90,
        incrs: spans,
        size: hasTimes ? 30 : 0,
        values: (_plot, times) => times.map((time) => (hasTimes ? clock.format(time * 1000) : '')),
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
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
  }
}
