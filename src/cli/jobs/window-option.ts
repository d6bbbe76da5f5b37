import { Option } from '@commander-js/extra-typings'
import type { DayOfWeek, WindowInput } from '../../generated/commands/graphql.ts'
import { given } from '../options.ts'

/** The time window of a new job, as `02:00-04:00 Europe/Berlin` or `MON,TUE 02:00-04:00 Europe/Berlin`. */
export const timeWindow = () =>
  new Option(
    '--window <WINDOW>',
    'calls begin only between two times of day, such as "02:00-04:00 Europe/Berlin", "MON,TUE 22:00-06:00 UTC" or, by the time zones of the devices, "02:00-04:00 tags.timeZone"',
  ).argParser((text: string) => given(windowIn(text), 'a time window such as "MON,TUE 02:00-04:00 Europe/Berlin"'))

const days: Readonly<Record<string, DayOfWeek>> = {
  MON: 'MONDAY',
  TUE: 'TUESDAY',
  WED: 'WEDNESDAY',
  THU: 'THURSDAY',
  FRI: 'FRIDAY',
  SAT: 'SATURDAY',
  SUN: 'SUNDAY',
}

/** The hub checks the times and the zone. */
function windowIn(text: string): WindowInput | undefined {
  const [, names, from = '', to = '', where = '', fallback] =
    /^(?:([a-z,]+)\s+)?(\d\d:\d\d)-(\d\d:\d\d)\s+(\S+)(?:\s+(\S+))?$/i.exec(text.trim()) ?? []
  if (from === '') return undefined
  const timeZoneFrom = /^(tags|properties)\W/i.test(where) ? { timeZoneFrom: where } : undefined
  if (fallback !== undefined && timeZoneFrom === undefined) return undefined
  const timeZone = timeZoneFrom === undefined ? where : fallback
  const zones = { ...timeZoneFrom, ...(timeZone !== undefined && { timeZone }) }
  if (names === undefined) return { from, to, ...zones }
  const chosen = names.split(',').map((name) => days[name.toUpperCase()])
  const known = chosen.filter((day) => day !== undefined)
  return known.length === chosen.length ? { days: known, from, to, ...zones } : undefined
}
