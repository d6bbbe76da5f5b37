import { table } from '../src/cli/terminal/table.ts'
import { type CpuMicros, judge, type Limit, processNames, type Row } from './row.ts'

const head = ['row', 'what', 'median', 'spread', ...processNames.map((name) => `${name} µs`), 'ratio', 'limit']
const words = { gate: { holds: 'passes', fails: 'FAILS' }, goal: { holds: 'met', fails: 'missed' } } as const
const legend = 'ratio: ours ÷ baseline; spread: (max − min) ÷ median; µs: CPU time per operation, of each process'
/** The first column of numbers. */
const firstNumber = 2

/** The table: two lines a row, ours above its baseline, with the CPU time an operation of each process; then the notes. */
export function report(rows: readonly Row[]): string[] {
  const lines = rows.flatMap((row) => {
    const { ours, baseline, ratio, verdict } = judge(row)
    const numbers = ({ median, spread, cpuMicros }: typeof ours): string[] => [
      `${figure(median)} ${row.unit}`,
      percent(spread),
      ...cpu(cpuMicros),
    ]
    const said = verdict.kind === 'none' ? verdict.reason : words[row.limit?.kind ?? 'goal'][verdict.kind]
    return [
      [row.name, row.what, ...numbers(ours), Number.isNaN(ratio) ? '–' : ratio.toFixed(2), limitText(row.limit)],
      ['', `against ${row.baselineName}`, ...numbers(baseline), '', said],
    ]
  })
  const notes = rows.flatMap((row) => row.notes.map((note) => `${row.name}: ${note}`))
  return [...table([head, ...lines], firstNumber), '', legend, ...notes]
}

/** A number with three digits that count, or all of those before the point. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)))
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

const percent = (share: number): string => (Number.isFinite(share) ? `${Math.round(share * 100)} %` : '–')

const cpu = (cpuMicros: CpuMicros): string[] => processNames.map((name) => figure(cpuMicros[name] ?? Number.NaN))

function limitText(limit: Limit | undefined): string {
  if (limit === undefined) return ''
  const bound = 'atLeast' in limit ? `≥ ${limit.atLeast.toFixed(2)}` : `≤ ${limit.atMost.toFixed(2)}`
  return `${limit.kind} ${bound}`
}
