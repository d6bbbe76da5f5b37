const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

/**
 * A cron in words, such as `Monday to Friday at 02:30`. Undefined for one that is not simple: its next times say more than words
 * would.
 */
export function describeCron(cron: string): string | undefined {
  const [minute = '', hour = '', date = '', month = '', day = '', ...more] = cron.trim().toUpperCase().split(/\s+/)
  if (more.length > 0 || month !== '*') return undefined
  const when = describeDays(date, day)
  if (when === undefined) return undefined
  const at = describeTimes(minute, hour)
  if (at !== undefined) return `${when} at ${at}`
  const how = describePace(minute, hour)
  return how === undefined || when === 'Every day' ? how : `${how}, ${when.replace(/^(?:Every|Day) /, lowered)}`
}

/** `02:30`, or `02:00 and 14:00`. */
function describeTimes(minute: string, hour: string): string | undefined {
  const hours = hour.split(',')
  if (!isNumber(minute, 59) || !hours.every((one) => isNumber(one, 23))) return undefined
  return listed(hours.map((one) => `${one.padStart(2, '0')}:${minute.padStart(2, '0')}`))
}

/** Several times per hour or one, in every hour. */
function describePace(minute: string, hour: string): string | undefined {
  if (hour !== '*') return undefined
  if (minute === '*') return 'Every minute'
  if (isNumber(minute, 59)) return `Every hour, ${minute} min past`
  const step = Number(/^\*\/(\d+)$/.exec(minute)?.[1])
  return step > 0 && 60 % step === 0 ? `Every ${step} min` : undefined
}

function describeDays(date: string, day: string): string | undefined {
  if (date === '*' && day === '*') return 'Every day'
  if (day === '*') return isNumber(date, 31) && date !== '0' ? `Day ${Number(date)} of each month` : undefined
  if (date !== '*') return undefined
  const [first, last, ...others] = day.split('-').map(dayOf)
  if (others.length > 0) return undefined
  if (day.includes('-')) return first && last && `${first} to ${last}`
  const names = day.split(',').map(dayOf)
  if (!names.every((name) => name !== undefined)) return undefined
  return names.length === 1 ? `Every ${names[0]}` : listed(names)
}

const dayOf = (text: string): string | undefined =>
  /^[0-7]$/.test(text) ? days[Number(text) % 7] : days.find((name) => name.slice(0, 3).toUpperCase() === text)

const lowered = (word: string): string => word.toLowerCase()

const isNumber = (text: string, most: number): boolean => /^\d{1,2}$/.test(text) && Number(text) <= most

const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
